"""The progress line of a sweep."""

import io
import time

from grok.sweep.packs import Outcome, Pack
from grok.tracking.duration import duration_in_words
from grok.tracking.live_line import LiveLine


class SweepProgress:
    """Shows the numbers of runs that are finished, failed and under way, and the time left.

    The time left is estimated from the runs that have ended.
    """

    def __init__(self, *, total: int, finished: int, failed: int, out: io.TextIOBase | None = None) -> None:
        """Begin with the numbers of runs that had ended before."""
        self._live_line = LiveLine(out=out)
        self._total, self._finished, self._failed = total, finished, failed
        self._left_at_first = total - finished - failed
        self._started = time.monotonic()

    def ended(self, pack: Pack, outcome: Outcome) -> None:
        """Count the runs of a pack as finished or failed."""
        self._finished += len(pack.wanted) - outcome.failed
        self._failed += outcome.failed

    def tick(self, under_way: int) -> None:
        """Show the current numbers if the interval has passed."""
        self._live_line.update(self._describe(under_way, time.monotonic() - self._started))

    def close(self) -> None:
        """Show the final numbers and leave the line in the terminal."""
        self.tick(0)
        self._live_line.close()

    def _describe(self, under_way: int, seconds: float) -> str:
        left = self._total - self._finished - self._failed
        parts = [f"{self._finished} of {self._total} runs finished"]
        if self._failed:
            parts.append(f"{self._failed} failed")
        if under_way:
            parts.append(f"{under_way} under way")
        if left and left < self._left_at_first:
            parts.append(f"about {duration_in_words(seconds * left / (self._left_at_first - left))} left")
        return "  ".join(parts)
