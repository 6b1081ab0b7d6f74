"""One line that changes in place while something is under way; plain lines where the output is no terminal."""

import io
import math
import sys
import time
from typing import Any

from tqdm import tqdm

PLAIN_INTERVAL = 10.0  # seconds between plain lines
LIVE_INTERVAL = 0.2  # seconds between changes of the live line


class LiveLine:
    """Shows the newest of many lines now and then, on stderr if not told otherwise."""

    def __init__(self, *, silent: bool = False, out: io.TextIOBase | None = None) -> None:
        self._out: Any = out or sys.stderr
        self._silent = silent
        self._live = self._out.isatty() and not silent
        self._shown_at = -math.inf
        self._line = self._shown = ""
        self._bar = tqdm(file=self._out, disable=not self._live, bar_format="{desc}", mininterval=0, dynamic_ncols=True)

    def update(self, line: str) -> None:
        """Take the newest line; show it if it is time."""
        self._line = line
        now = time.monotonic()
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
