"""Locks on folders: each goes with the process that holds it, however that ends."""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from grok.tracking.errors import RunInUseError, StoreError


@contextmanager
def lock(run: Path) -> Iterator[None]:
    """Hold the run in this folder against other processes, for as long as it is trained."""
    try:
        descriptor = os.open(run / "lock", os.O_RDWR | os.O_CREAT, 0o644)
    except OSError as error:
        raise StoreError(f"cannot write into {run} ({error.strerror}): mend its permissions") from error
    try:
        _lock_patiently(descriptor)
        os.ftruncate(descriptor, 0)
        os.write(descriptor, str(os.getpid()).encode())
        yield
    except BlockingIOError as error:
        raise RunInUseError(
            f"run {run.name} is in use by process {lock_holder(run)}: wait for it, stop it, "
            "or train another beside it with --again"
        ) from error
    finally:
        os.close(descriptor)


def lock_holder(run: Path) -> int | None:
    """Number of the process that is training the run in this folder, 0 if it cannot be told; None if there is none."""
    try:
        descriptor = os.open(run / "lock", os.O_RDONLY)
    except OSError:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        return None
    except BlockingIOError:
        return int(os.read(descriptor, 32) or 0)
    finally:
        os.close(descriptor)


@contextmanager
def lock_folder(runs: Path) -> Iterator[None]:
    """Hold this folder of runs against other processes that look for one or make one; they are waited for."""
    try:
        runs.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(runs / ".lock", os.O_RDWR | os.O_CREAT, 0o644)
    except OSError as error:
        raise StoreError(
            f"cannot make a run in {runs} ({error.strerror}): choose another --runs, or mend its permissions"
        ) from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _lock_patiently(descriptor: int) -> None:
    """Take the lock; a process that only looks who holds it, as `grok list` does, is over in an instant."""
    for _ in range(10):
        with suppress(BlockingIOError):
            return fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        time.sleep(0.05)
    return fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
