"""A status line that changes in place in a terminal; other outputs get plain lines now and then."""

import io
import math
import sys
import time
from typing import Any

from tqdm import tqdm

PLAIN_INTERVAL = 10.0  # seconds between plain lines
LIVE_INTERVAL = 0.2  # seconds between changes of the live line


class LiveLine:
    """Shows the newest of many status lines at intervals, by default on stderr."""

    def __init__(self, *, silent: bool = False, out: io.TextIOBase | None = None) -> None:
        self._out: Any = out or sys.stderr
        self._silent = silent
        self._live = self._out.isatty() and not silent
        self._shown_at = -math.inf
        self._line = self._shown = ""
        self._bar = tqdm(file=self._out, disable=not self._live, bar_format="{desc}", mininterval=0, dynamic_ncols=True)

    def update(self, line: str) -> None:
        """Store the newest line, and show it if the interval has passed."""
        self._line = line
        now = time.monotonic()
        if now - self._shown_at >= (LIVE_INTERVAL if self._live else PLAIN_INTERVAL):
            self._shown_at = now
            self._show()

    def say(self, line: str) -> None:
        """Show a line of its own, which stays above the status line."""
        if not self._silent:
            self._bar.write(line, file=self._out)

    def close(self) -> None:
        """Show the newest line and leave it in the terminal."""
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
