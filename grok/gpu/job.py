"""What a part is given, and how it ends before it is done."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import grok
from grok.gpu.sizes import Sizes

T = TypeVar("T")

ROOT = Path(grok.__file__).parents[1]
"""Folder of the checkout."""

RECORDS = "records"
"""Folder below the results with small copies of the finished runs, to commit."""


class OutOfTimeError(Exception):
    """Raised when a part has used its budget; the message says how far it came."""


class LeftOutError(Exception):
    """Raised when a part cannot run on this machine; the message says what it needs and how to provide it."""


class FailedError(Exception):
    """Raised when a part has measured something that is wrong; the message says what."""


@dataclass(frozen=True, kw_only=True)
class Job:
    """What a part needs to know, and how it hears and says something while it works."""

    device: str
    """`cuda` or `cpu`."""
    sizes: Sizes
    out: Path
    """Folder of the results."""
    data: Path
    """Folder with a subfolder for each data set that is read from files."""
    stopped: Callable[[], bool]
    """Returns whether the part's budget is used up."""
    say: Callable[[str], None]
    """Shows in the terminal what the part does now."""

    def each(self, items: Mapping[str, T]) -> Iterator[tuple[str, T]]:
        """Yield names and items one by one, after saying the name.

        Raises:
            OutOfTimeError: if the budget is used up before the next item.
        """
        for name, item in items.items():
            if self.stopped():
                raise OutOfTimeError(f"not reached: {name}")
            self.say(name)
            yield name, item
