"""What the store cannot do, in one line with the mend."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class StoreError(Exception):
    """The store cannot do what was asked: the message names the file or run and the mend."""


class RunInUseError(StoreError):
    """Another process holds the run: the message says which."""


@contextmanager
def writing(path: Path, *, run: Path) -> Iterator[None]:
    """Turn a failed write of a file of the run in this folder into an error with the mend."""
    try:
        yield
    except OSError as error:
        raise StoreError(
            f"cannot write {path} ({error.strerror or error}): what was saved before is intact; "
            f"make room or mend the permissions, then `grok resume {run}`"
        ) from error
