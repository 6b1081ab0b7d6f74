"""The progress line of runs that train."""

import io
import statistics
import time
from collections import deque
from collections.abc import Mapping

from grok.columns import RATIOS, TEST_ACCURACY, TRAIN_ACCURACY, interplay, loss
from grok.tracking.duration import duration_in_words
from grok.tracking.live_line import LiveLine
from grok.training.measurements import Row

WINDOW = 10.0  # seconds over which the rate is taken: measurements become sparser, and other programs come and go


class Progress:
    """A line with step, rate, time left, loss, accuracies, and MIR and HDR of one pairing, averaged over the runs.

    The rate, and with it the time left, is that of about the last ten seconds.
    """

    def __init__(
        self,
        *,
        first_step: int,
        runs: int = 1,
        pairing: str = "sample/test",
        silent: bool = False,
        out: io.TextIOBase | None = None,
    ) -> None:
        self._live_line = LiveLine(silent=silent, out=out)
        self._pairing = pairing
        self._runs = runs
        self._latest: dict[int, Row] = {}
        self._times = deque([(time.monotonic(), first_step)])  # the first is the last one that is older than `WINDOW`

    def update(self, step: int, last_step: int, latest: Mapping[int, Row], *, active: int = 1) -> None:
        """Store the newest values by run, and show them if the interval has passed."""
        for run, row in latest.items():
            self._latest.setdefault(run, {}).update(row)
        self._live_line.update(self._describe(step, last_step, active, self._rate(step)))

    def say(self, line: str) -> None:
        """Show a line of its own above the progress line."""
        self._live_line.say(line)

    def close(self) -> None:
        """Show the newest line and leave it in the terminal."""
        self._live_line.close()

    def _rate(self, step: int) -> float:
        """Return the steps a second up to now, at this step."""
        now = time.monotonic()
        while len(self._times) > 1 and now - self._times[1][0] >= WINDOW:
            self._times.popleft()
        since, first = self._times[0]
        self._times.append((now, step))
        return (step - first) / (now - since) if now > since else 0.0

    def _describe(self, step: int, last_step: int, active: int, rate: float) -> str:
        parts = [f"step {step:,} of at most {last_step:,}"]
        if self._runs > 1:
            parts += [f"{active} of {self._runs} runs under way"]
        if rate > 0:
            left = duration_in_words((last_step - step) / rate)
            parts += [f"at most {left} left", _rate_in_words(rate)]
        formats = {
            "loss": (loss("train"), "{:.2e}"),
            "train": (TRAIN_ACCURACY, "{:.1%}"),
            "test": (TEST_ACCURACY, "{:.1%}"),
            **{title: (interplay(self._pairing, ratio), "{:.3f}") for ratio, title in RATIOS.items()},
        }
        for name, (column, form) in formats.items():
            values = [row[column] for row in self._latest.values() if column in row]
            if values:
                parts.append(f"{name} {form.format(statistics.fmean(values))}")
        return "  ".join(parts)


def _rate_in_words(rate: float) -> str:
    """Return a rate in steps a second, or in time per step if it is slow.

    >>> _rate_in_words(101.4), _rate_in_words(2.25), _rate_in_words(0.02)
    ('101 steps/s', '2.2 steps/s', '50 s a step')
    """
    if rate < 0.5:
        return f"{duration_in_words(1 / rate)} a step"
    return f"{rate:.0f} steps/s" if rate >= 10 else f"{rate:.1f} steps/s"
