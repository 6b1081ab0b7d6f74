"""The progress line of runs that train."""

import io
import statistics
import time
from collections.abc import Mapping

from grok.columns import RATIOS, TEST_ACCURACY, TRAIN_ACCURACY, interplay, loss
from grok.tracking.duration import in_time
from grok.tracking.live_line import LiveLine
from grok.training.measurements import Row


class Progress:
    """A line with step, rate, time left, loss, accuracies, and MIR and HDR of one pairing, averaged over the runs."""

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
        self._first_step = first_step
        self._runs = runs
        self._latest: dict[int, Row] = {}
        self._started = time.monotonic()

    def update(self, step: int, last_step: int, latest: Mapping[int, Row], *, active: int = 1) -> None:
        """Store the newest values by run, and show them if the interval has passed."""
        for run, row in latest.items():
            self._latest.setdefault(run, {}).update(row)
        self._live_line.update(self._describe(step, last_step, active, time.monotonic() - self._started))

    def say(self, line: str) -> None:
        """Show a line of its own above the progress line."""
        self._live_line.say(line)

    def close(self) -> None:
        """Show the newest line and leave it in the terminal."""
        self._live_line.close()

    def _describe(self, step: int, last_step: int, active: int, seconds: float) -> str:
        rate = (step - self._first_step) / seconds if seconds > 0 else 0.0
        parts = [f"step {step:,} of at most {last_step:,}"]
        if self._runs > 1:
            parts += [f"{active} of {self._runs} runs under way"]
        if rate > 0:
            left = in_time((last_step - step) / rate)
            parts += [f"at most {left} left", f"{rate:.0f} steps/s" if rate >= 10 else f"{rate:.1f} steps/s"]
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
