"""The progress line of a sweep counts runs, and estimates the time left from those that have ended."""

import io

from grok.sweep import progress
from grok.sweep.packs import Outcome, Pack
from grok.sweep.progress import SweepProgress


def test_the_line_counts_runs_and_tells_the_time_left(monkeypatch):
    clock = [100.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: clock[0])
    out = io.StringIO()
    line = SweepProgress(total=12, finished=2, failed=1, out=out)
    line.tick(4)
    clock[0] = 130.0
    pack = Pack(experiment="grokking", wanted=(("a", 0), ("a", 1), ("a", 2)))
    line.ended(pack, Outcome(ended=True, failed=1))
    line.tick(4)
    clock[0] = 139.0
    line.tick(3)
    line.close()
    assert out.getvalue().splitlines() == [
        "2 of 12 runs finished  1 failed  4 under way",
        "4 of 12 runs finished  2 failed  4 under way  about 1 min left",
        "4 of 12 runs finished  2 failed  about 1 min left",
    ]
