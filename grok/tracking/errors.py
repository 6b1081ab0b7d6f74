"""Errors of the store. Each message is one line that names the file or run and the mend."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class StoreError(Exception):
    """Raised when the store cannot do what was asked; the message names the file or run and the mend."""


class RunInUseError(StoreError):
    """Raised when another process holds the run; the message names that process."""


@contextmanager
def writing(path: Path, *, run: Path) -> Iterator[None]:
    """Turn a failure to write a file of this run into an error with the mend."""
    try:
        yield
    except OSError as error:
        raise StoreError(
            f"cannot write {path} ({error.strerror or error}): what was saved before is intact; "
            f"make room or mend the permissions, then `grok resume {run}`"
        ) from error
