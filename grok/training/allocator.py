"""The C library's allocator, set for training."""

import ctypes

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3  # glibc's numbers for its options


def keep_freed_memory() -> bool:
    """Keep what a step frees for the next step, instead of giving it back to the system; say whether that was possible.

    A step allocates a few arrays of megabytes and frees them. By default glibc gives them back, and the system clears
    each page anew when the next step touches it, which on some machines takes a tenth of the step. Memory in use
    then stays at its peak. Arrays over 32 MiB, the most that glibc allows here, are still given back. Other C
    libraries are left as they are.
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, TypeError, AttributeError):  # not glibc
        return False
    return bool(mallopt(M_MMAP_THRESHOLD, 2**25) and mallopt(M_TRIM_THRESHOLD, 2**31 - 1))
