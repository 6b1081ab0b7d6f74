"""The progress line says what one wants to know; where there is no terminal it is a plain line now and then."""

import io
import re

from grok.training.progress import Progress

ROW = {
    "train/loss": 1.5e-3,
    "train/accuracy": 1.0,
    "test/accuracy": 0.25,
    "interplay/sample/test/mir": 0.654,
    "interplay/sample/test/hdr": 0.123,
}


def test_a_plain_line_has_step_rate_loss_accuracies_measures_and_time_left():
    out = io.StringIO()
    progress = Progress(first_step=0, last_step=1000, out=out)
    progress.update(500, 1000, {0: ROW})
    progress.close()
    (line,) = out.getvalue().splitlines()
    measured = "loss 1.50e-03  train 100.0%  test 25.0%  MIR 0.654  HDR 0.123"
    assert re.fullmatch(rf"step 500 of at most 1,000  at most 0:\d\d left  \d+ steps/s  {measured}", line)


def test_of_many_runs_it_shows_how_many_still_train_and_means():
    out = io.StringIO()
    progress = Progress(first_step=0, last_step=1000, runs=3, out=out)
    progress.update(500, 1000, {0: ROW, 1: ROW | {"test/accuracy": 0.75}}, active=2)
    progress.close()
    assert re.match(r"step 500 of at most 1,000  2 of 3 runs under way  .*  test 50.0%  ", out.getvalue())


def test_plain_lines_come_seldom_and_the_last_step_always():
    out = io.StringIO()
    progress = Progress(first_step=0, last_step=1000, out=out)
    for step in range(50, 1001, 50):
        progress.update(step, 1000, {0: ROW})
    progress.close()
    lines = out.getvalue().splitlines()
    assert [line.split()[1] for line in lines] == ["50", "1,000"]


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_on_a_terminal_one_line_changes_in_place():
    out = Terminal()
    progress = Progress(first_step=0, last_step=1000, out=out)
    progress.update(1000, 1000, {0: ROW})
    progress.close()
    assert "\rstep 1,000 of at most 1,000" in out.getvalue()
    assert out.getvalue().count("\n") == 1
