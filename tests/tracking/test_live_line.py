"""The status line changes in place in a terminal, and other outputs get plain lines at intervals."""

import io
import itertools
from types import SimpleNamespace

from grok.tracking import live_line
from grok.tracking.live_line import LiveLine


def test_plain_lines_come_at_intervals_and_the_last_always(monkeypatch):
    seconds = itertools.count()
    monkeypatch.setattr(live_line, "time", SimpleNamespace(monotonic=lambda: float(next(seconds))))
    out = io.StringIO()
    line = LiveLine(out=out)
    for step in range(50, 801, 50):  # one a second, and one of ten is shown
        line.update(f"step {step}")
    line.close()
    assert out.getvalue().splitlines() == ["step 50", "step 550", "step 800"]


def test_a_line_of_its_own_is_shown_at_once_unless_nobody_watches():
    for silent, expected in ((False, "step 1\nthreads: 1\n"), (True, "")):
        out = io.StringIO()
        line = LiveLine(silent=silent, out=out)
        line.update("step 1")
        line.say("threads: 1")
        line.close()
        assert out.getvalue() == expected


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_on_a_terminal_one_line_changes_in_place():
    out = Terminal()
    line = LiveLine(out=out)
    line.update("step 1,000 of at most 1,000")
    line.close()
    assert "\rstep 1,000 of at most 1,000" in out.getvalue()
    assert out.getvalue().count("\n") == 1
