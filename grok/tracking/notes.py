"""Notes on stderr about runs and figures that are left out; a command prints each note once."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_said: ContextVar[set[str] | None] = ContextVar("_said", default=None)
_heard: ContextVar[list[str] | None] = ContextVar("_heard", default=None)


def note(line: str) -> None:
    """Print a line on stderr, unless it was printed since `each_once` began."""
    heard = _heard.get()
    if heard is not None:
        heard.append(line)
    said = _said.get()
    if said is not None:
        if line in said:
            return
        said.add(line)
    print(f"grok: {line}", file=sys.stderr)


@contextmanager
def listening() -> Iterator[list[str]]:
    """Collect the lines that `note` is given inside this context, whether it prints them or not."""
    lines: list[str] = []
    before = _heard.set(lines)
    try:
        yield lines
    finally:
        _heard.reset(before)


@contextmanager
def each_once() -> Iterator[None]:
    """Inside this context, `note` prints each line only the first time."""
    before = _said.set(set())
    try:
        yield
    finally:
        _said.reset(before)
