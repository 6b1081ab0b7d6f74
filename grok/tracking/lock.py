"""Locks on folders: each goes with the process that holds it, however that ends."""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from grok.tracking.errors import RunInUseError, StoreError


@contextmanager
def lock(run: Path) -> Iterator[None]:
    """Hold the run in this folder against other processes, for as long as it is trained.

    Raises:
        RunInUseError: another process holds it.
        StoreError: the folder cannot be written, or its file system has no locks.
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
    """The error for who wants to train the run in this folder while another process does."""
    holder = lock_holder(run)  # which may have ended since
    return RunInUseError(
        f"run {run.name} is in use by {f'process {holder}' if holder else 'another process'}: wait for it, stop it, "
        "or train another beside it with --again"
    )


def lock_holder(run: Path) -> int | None:
    """Number of the process that is training the run in this folder, 0 if it cannot be told; None if there is none."""
    try:
        descriptor = os.open(run / "lock", os.O_RDONLY)
    except OSError:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return int(os.read(descriptor, 32) or 0)
    except OSError:  # a file system without locks, where nobody can train
        return None
    finally:
        os.close(descriptor)
    return None


@contextmanager
def lock_folder(runs: Path) -> Iterator[None]:
    """Hold this folder of runs against other processes that look for one or make one; they are waited for.

    Raises:
        StoreError: the folder cannot be made or written, or its file system has no locks.
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
    """Take the lock; a process that only looks who holds it, as `grok list` does, is over in an instant."""
    for _ in range(10):
        with suppress(BlockingIOError):
            return fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        time.sleep(0.05)
    return fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
