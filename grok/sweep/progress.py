"""One live line while a sweep trains; plain lines where the output is no terminal."""

import io
import math
import sys
import time
from typing import Any

from tqdm import tqdm

from grok.sweep.packs import Outcome, Pack

PLAIN_INTERVAL = 10.0  # seconds between plain lines
LIVE_INTERVAL = 0.2  # seconds between changes of the live line


class SweepProgress:
    """Runs finished, failed and under way, and the time left as far as the runs that have ended tell."""

    def __init__(self, *, total: int, finished: int, failed: int, out: io.TextIOBase | None = None) -> None:
        """Begin with what has ended before."""
        self._out: Any = out or sys.stderr
        self._live = self._out.isatty()
        self._total, self._finished, self._failed = total, finished, failed
        self._left_at_first = total - finished - failed
        self._started = time.monotonic()
        self._shown_at = -math.inf
        self._line = self._shown = ""
        self._bar = tqdm(file=self._out, disable=not self._live, bar_format="{desc}", mininterval=0, dynamic_ncols=True)

    def ended(self, pack: Pack, outcome: Outcome) -> None:
        """Count a pack."""
        self._finished += len(pack.keys) - outcome.failed
        self._failed += outcome.failed

    def tick(self, under_way: int) -> None:
        """Show how things stand, if it is time."""
        now = time.monotonic()
        self._line = self._describe(under_way, now - self._started)
        if now - self._shown_at >= (LIVE_INTERVAL if self._live else PLAIN_INTERVAL):
            self._shown_at = now
            self._show()

    def close(self) -> None:
        """Leave the newest line standing."""
        self._line = self._describe(0, time.monotonic() - self._started)
        self._show()
        self._bar.close()

    def _show(self) -> None:
        if self._line == self._shown:
            return
        self._shown = self._line
        if self._live:
            self._bar.set_description_str(self._line)
        else:
            print(self._line, file=self._out, flush=True)

    def _describe(self, under_way: int, seconds: float) -> str:
        left = self._total - self._finished - self._failed
        parts = [f"{self._finished} of {self._total} runs finished"]
        if self._failed:
            parts.append(f"{self._failed} failed")
        if under_way:
            parts.append(f"{under_way} under way")
        if left and left < self._left_at_first:
            minutes, rest = divmod(round(seconds * left / (self._left_at_first - left)), 60)
            parts.append(f"about {minutes}:{rest:02d} left")
        return "  ".join(parts)
