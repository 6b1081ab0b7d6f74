"""How much memory a process may still take."""

from contextlib import suppress
from pathlib import Path

import torch

from grok.config import ConfigError
from grok.processors import CGROUPS, SELF, groups

MEMINFO = Path("/proc/meminfo")
GIB = 2**30


def free_memory(
    device: torch.device, *, meminfo: Path = MEMINFO, cgroup: Path = SELF, root: Path = CGROUPS
) -> int | None:
    """Return the bytes that are free on a device, or None if the system does not say.

    On a CPU this is the least of what the machine has available and of what the container's limits leave.
    """
    if device.type == "cuda":
        return torch.cuda.mem_get_info(device)[0]
    left = [_available(meminfo)]
    for folder, version in groups("memory", cgroup, root):
        old = "memory.limit_in_bytes", "memory.usage_in_bytes"
        limit, used = ("memory.max", "memory.current") if version == 2 else old
        with suppress(OSError, ValueError):  # "max" is no number: no limit
            cache = _field(folder / "memory.stat", "inactive_file")  # which the kernel gives back when it is needed
            left.append(int((folder / limit).read_text()) - int((folder / used).read_text()) + cache)
    known = [each for each in left if each is not None]
    return max(0, min(known)) if known else None


def fits(needed: int, device: torch.device) -> bool:
    """Return whether this many bytes are free, as far as the system says."""
    free = free_memory(device)
    return free is None or needed <= free


def refuse_beyond(needed: int, device: torch.device, *, mend: str) -> None:
    """Raise ConfigError if this many bytes are not free.

    Raises:
        ConfigError: which says how much is needed, how much is free, and the mend.
    """
    free = free_memory(device)
    if free is not None and needed > free:
        raise ConfigError(
            f"config: expected a training that fits into the free memory of {free / GIB:.1f} GiB, got one that needs "
            f"about {needed / GIB:.1f} GiB: {mend}"
        )


def _available(meminfo: Path) -> int | None:
    with suppress(OSError):
        return _field(meminfo, "MemAvailable:") * 1024 or None
    return None


def _field(file: Path, name: str) -> int:
    """Return the number after a name in a file of names and numbers, or 0 if it is not there."""
    for line in file.read_text().splitlines():
        words = line.split()
        if words[0] == name:
            return int(words[1])
    return 0
