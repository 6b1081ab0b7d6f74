"""The progress line of training shows step, time left, rate and the latest measurements."""

import io
import re
from types import SimpleNamespace

from grok.training import progress
from grok.training.progress import Progress

ROW = {
    "train/loss": 1.5e-3,
    "train/accuracy": 1.0,
    "test/accuracy": 0.25,
    "interplay/sample/test/mir": 0.654,
    "interplay/sample/test/hdr": 0.123,
}


def test_a_plain_line_has_step_rate_loss_accuracies_measures_and_time_left(monkeypatch):
    clock = iter([100.0, 104.0])
    monkeypatch.setattr(progress, "time", SimpleNamespace(monotonic=lambda: next(clock)))
    out = io.StringIO()
    line = Progress(first_step=0, out=out)
    line.update(500, 1000, {0: ROW})
    line.close()
    measured = "loss 1.50e-03  train 100.0%  test 25.0%  MIR 0.654  HDR 0.123"
    assert out.getvalue() == f"step 500 of at most 1,000  at most 4 s left  125 steps/s  {measured}\n"


def test_long_and_slow_trainings_are_told_in_hours_and_with_a_decimal_within_80_columns(monkeypatch):
    clock = iter([0.0, 100.0])
    monkeypatch.setattr(progress, "time", SimpleNamespace(monotonic=lambda: next(clock)))
    out = io.StringIO()
    line = Progress(first_step=0, out=out)
    line.update(100, 1_048_576, {})
    line.say("threads: 1 from step 100 on")
    line.close()
    first, second = out.getvalue().splitlines()
    assert first == "step 100 of at most 1,048,576  at most 291 h 15 min left  1.0 steps/s"
    assert len(first) <= 80
    assert second == "threads: 1 from step 100 on"


def test_the_rate_is_that_of_the_last_seconds(monkeypatch):
    clock = iter([0.0, *range(1, 41), 41.0])
    monkeypatch.setattr(progress, "time", SimpleNamespace(monotonic=lambda: float(next(clock))))
    lines = []
    monkeypatch.setattr(progress, "LiveLine", lambda **how: SimpleNamespace(update=lines.append))
    line = Progress(first_step=0)
    for second in range(1, 41):  # 10 steps a second in the first 20 seconds, then 100
        line.update(10 * second if second <= 20 else 200 + 100 * (second - 20), 10_000, {})
    assert "  10 steps/s" in lines[19]
    assert "  55 steps/s" in lines[24]
    assert "  100 steps/s" in lines[39]
    assert "at most 1 min left" in lines[39]


def test_of_many_runs_it_shows_how_many_still_train_and_means():
    out = io.StringIO()
    line = Progress(first_step=0, runs=3, out=out)
    line.update(500, 1000, {0: ROW, 1: ROW | {"test/accuracy": 0.75}}, active=2)
    line.close()
    assert re.match(r"step 500 of at most 1,000  2 of 3 runs under way  .*  test 50.0%  ", out.getvalue())
