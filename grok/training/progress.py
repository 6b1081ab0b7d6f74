"""One live line while runs train; plain lines where the output is no terminal."""

import io
import math
import statistics
import sys
import time
from collections.abc import Mapping
from typing import Any

from tqdm import tqdm

from grok.training.measurements import Row

PLAIN_INTERVAL = 10.0  # seconds between plain lines
LIVE_INTERVAL = 0.2  # seconds between changes of the live line


class Progress:
    """Step, rate, loss, accuracies, MIR and HDR of one pairing, and time left; of many runs, their means."""

    def __init__(
        self,
        *,
        first_step: int,
        last_step: int,
        runs: int = 1,
        pairing: str = "sample/test",
        silent: bool = False,
        out: io.TextIOBase | None = None,
    ) -> None:
        self._out: Any = out or sys.stderr
        self._live = self._out.isatty() and not silent
        self._pairing = pairing
        self._silent = silent
        self._first_step = first_step
        self._runs = runs
        self._latest: dict[int, Row] = {}
        self._started = time.monotonic()
        self._shown_at = -math.inf
        self._line = self._shown = ""
        self._bar = tqdm(
            total=last_step,
            initial=first_step,
            file=self._out,
            disable=not self._live,
            bar_format="{desc}",
            mininterval=0,
            dynamic_ncols=True,
            leave=True,
        )

    def update(self, step: int, last_step: int, latest: Mapping[int, Row], *, active: int = 1) -> None:
        """Take in the newest values, by run; show them if it is time."""
        for run, row in latest.items():
            self._latest.setdefault(run, {}).update(row)
        now = time.monotonic()
        self._line = self._describe(step, last_step, active, now - self._started)
        if now - self._shown_at >= (LIVE_INTERVAL if self._live else PLAIN_INTERVAL):
            self._shown_at = now
            self._show()

    def close(self) -> None:
        """Leave the newest line standing."""
        self._show()
        self._bar.close()

    def _show(self) -> None:
        if self._silent or self._line == self._shown:
            return
        self._shown = self._line
        if self._live:
            self._bar.set_description_str(self._line)
        else:
            print(self._line, file=self._out, flush=True)

    def _describe(self, step: int, last_step: int, active: int, seconds: float) -> str:
        rate = (step - self._first_step) / seconds if seconds > 0 else 0.0
        parts = [f"step {step:,} of at most {last_step:,}"]
        if self._runs > 1:
            parts += [f"{active} of {self._runs} runs under way"]
        if rate > 0:
            minutes, left = divmod(round((last_step - step) / rate), 60)
            parts += [f"at most {minutes}:{left:02d} left", f"{rate:.0f} steps/s"]
        formats = {
            "loss": ("train/loss", "{:.2e}"),
            "train": ("train/accuracy", "{:.1%}"),
            "test": ("test/accuracy", "{:.1%}"),
            "MIR": (f"interplay/{self._pairing}/mir", "{:.3f}"),
            "HDR": (f"interplay/{self._pairing}/hdr", "{:.3f}"),
        }
        for name, (column, form) in formats.items():
            values = [row[column] for row in self._latest.values() if column in row]
            if values:
                parts.append(f"{name} {form.format(statistics.fmean(values))}")
        return "  ".join(parts)
