"""The processors that this process may have, and how threads wait for one another; nothing here loads torch."""

import math
import os
from collections.abc import Mapping, MutableMapping
from contextlib import suppress
from pathlib import Path

SELF = Path("/proc/self/cgroup")
CGROUPS = Path("/sys/fs/cgroup")
SPINS = "1000"  # looks at a shared value before a waiting thread sleeps: 25 to 50 µs, where libgomp takes 300,000


def processors() -> int:
    """Return the number of processors that this process may have.

    This is the number of cores on which it may run, or the quota of its container, rounded up, if that is smaller.
    """
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    share = quota()
    return cores if share is None else max(1, min(cores, math.ceil(share)))


def most_threads(environment: Mapping[str, str] = os.environ) -> int:
    """Return the largest number of threads to choose: the processors, or OMP_NUM_THREADS if that is smaller."""
    first = environment.get("OMP_NUM_THREADS", "").partition(",")[0].strip()  # the others are for nested regions
    return min(processors(), int(first)) if first.isdecimal() and int(first) else processors()


def thread_counts(most: int) -> list[int]:
    """Return the numbers of threads to try: the powers of two up to `most`, and `most` itself.

    >>> thread_counts(1), thread_counts(2), thread_counts(12)
    ([1], [1, 2], [1, 2, 4, 8, 12])
    """
    return sorted({2**power for power in range(most.bit_length())} | {most})


def quota(cgroup: Path = SELF, root: Path = CGROUPS) -> float | None:
    """Return the processors' time that the container grants, in processors, or None if it sets no limit.

    The smallest limit counts of all groups from that of the process up to the root, in version 1 and 2 of cgroups.
    Without the group's own folder, as in a container that sees only its part of the tree, the root's limit counts.
    """
    read = {1: _limit_of_version_1, 2: _limit}
    limits = [read[version](folder) for folder, version in groups("cpu", cgroup, root)]
    return min((limit for limit in limits if limit is not None), default=None)


def groups(controller: str, cgroup: Path = SELF, root: Path = CGROUPS) -> list[tuple[Path, int]]:
    """Return the folders of the groups that limit this process, up to the root, each with its version of cgroups."""
    folders = []
    with suppress(OSError):
        for line in cgroup.read_text().splitlines():
            number, controllers, path = line.split(":", 2)
            parts = [] if ".." in Path(path).parts else Path(path).parts[1:]
            if number == "0":
                tree, version = root, 2
            elif controller in controllers.split(","):
                tree, version = root / controllers if (root / controllers).is_dir() else root / controller, 1
            else:
                continue
            folders += [(tree.joinpath(*parts[:depth]), version) for depth in range(len(parts) + 1)]
    return folders


def _limit(folder: Path) -> float | None:
    with suppress(OSError, ValueError):
        allowed, period = (folder / "cpu.max").read_text().split()
        return int(allowed) / int(period)  # "max" is no number: no limit
    return None


def _limit_of_version_1(folder: Path) -> float | None:
    with suppress(OSError, ValueError):
        allowed, period = (int((folder / f"cpu.cfs_{name}_us").read_text()) for name in ("quota", "period"))
        return allowed / period if allowed > 0 else None
    return None


def let_waiting_threads_sleep(environment: MutableMapping[str, str] = os.environ) -> None:
    """Let OpenMP's threads sleep soon while they wait, so that they leave the core to others.

    This must come before torch is loaded. Nothing changes if the user has chosen how threads wait.
    """
    if not {"OMP_WAIT_POLICY", "GOMP_SPINCOUNT"} & environment.keys():
        environment["GOMP_SPINCOUNT"] = SPINS
