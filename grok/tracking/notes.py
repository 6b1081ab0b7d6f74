"""Lines on stderr of what is left out or not drawn: each once in a command, however often it is come upon."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_said: ContextVar[set[str] | None] = ContextVar("_said", default=None)


def note(line: str) -> None:
    """Print a line on stderr, unless it has been since `each_once` began."""
    said = _said.get()
    if said is not None:
        if line in said:
            return
        said.add(line)
    print(f"grok: {line}", file=sys.stderr)


@contextmanager
def each_once() -> Iterator[None]:
    """As long as this is open, `note` prints each line the first time alone."""
    before = _said.set(set())
    try:
        yield
    finally:
        _said.reset(before)
