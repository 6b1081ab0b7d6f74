"""Locks on folders. A lock ends with the process that holds it, however that process ends."""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from grok.tracking.errors import RunInUseError, StoreError


@contextmanager
def lock(run: Path) -> Iterator[None]:
    """Lock the run in this folder against other processes while it is trained.

    Raises:
        RunInUseError: if another process holds the lock.
        StoreError: if the folder cannot be written, or if its file system has no locks.
    """
    with ExitStack() as opened:
        try:
            descriptor = os.open(run / "lock", os.O_RDWR | os.O_CREAT, 0o644)
            opened.callback(os.close, descriptor)
            _lock_patiently(descriptor)
            os.ftruncate(descriptor, 0)
            os.write(descriptor, str(os.getpid()).encode())
        except BlockingIOError as error:
            raise in_use(run) from error
        except OSError as error:
            raise StoreError(
                f"cannot lock {run} ({error.strerror}): mend its permissions, make room, or move it to a file system "
                "that has locks"
            ) from error
        yield


def in_use(run: Path) -> RunInUseError:
    """Return the error for an attempt to train a run that another process trains."""
    holder = lock_holder(run)  # the other process may have ended since
    return RunInUseError(
        f"run {run.name} is in use by {f'process {holder}' if holder else 'another process'}: wait for it, stop it, "
        "or train another beside it with --again"
    )


def lock_holder(run: Path) -> int | None:
    """Return the id of the process that trains the run in this folder, 0 if the id is unknown, or None without one."""
    try:
        descriptor = os.open(run / "lock", os.O_RDONLY)
    except OSError:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return int(os.read(descriptor, 32) or 0)
    except OSError:  # no process can train on a file system without locks
        return None
    finally:
        os.close(descriptor)
    return None


@contextmanager
def lock_folder(runs: Path) -> Iterator[None]:
    """Lock this folder of runs against other processes that look for a run or make one, after waiting for them.

    Raises:
        StoreError: if the folder cannot be made or written, or if its file system has no locks.
    """
    with ExitStack() as opened:
        try:
            runs.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(runs / ".lock", os.O_RDWR | os.O_CREAT, 0o644)
            opened.callback(os.close, descriptor)
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        except OSError as error:
            raise StoreError(
                f"cannot make a run in {runs} ({error.strerror}): choose another --runs, or mend its permissions"
            ) from error
        yield


def _lock_patiently(descriptor: int) -> None:
    """Take the lock, with retries because a process such as `grok list` holds it for an instant to see who trains."""
    for _ in range(10):
        with suppress(BlockingIOError):
            return fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        time.sleep(0.05)
    return fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
