"""The status line changes in place in a terminal, and other outputs get plain lines at intervals."""

import io

from grok.tracking.live_line import LiveLine


def test_plain_lines_come_seldom_and_the_last_always():
    out = io.StringIO()
    line = LiveLine(out=out)
    for step in range(50, 1001, 50):
        line.update(f"step {step}")
    line.close()
    assert out.getvalue().splitlines() == ["step 50", "step 1000"]


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
