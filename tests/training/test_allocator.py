"""Freed memory is kept where the C library can be told to, and nothing is asked of another one."""

import ctypes
import subprocess
import sys

import pytest

from grok.training import allocator

FAULTS = """
import resource
import torch
{keep}
def faults():
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt
torch.set_num_threads(1)
def touch():
    torch.ones(2**22)
touch()
before = faults()
touch()
print(faults() - before)
"""


@pytest.mark.skipif(not hasattr(ctypes.CDLL(None), "gnu_get_libc_version"), reason="needs glibc")
def test_an_array_allocated_again_touches_no_new_pages():
    keep = "from grok.training.allocator import keep_freed_memory; assert keep_freed_memory()"
    faults = [
        int(subprocess.run([sys.executable, "-c", FAULTS.format(keep=prelude)], capture_output=True, check=True).stdout)
        for prelude in ("", keep)
    ]
    assert faults[1] < 100 < faults[0]  # 16 MiB are 4,096 pages, which glibc alone gives back


def test_another_c_library_is_left_alone(monkeypatch):
    monkeypatch.setattr(allocator.ctypes, "CDLL", lambda name: object())
    assert not allocator.keep_freed_memory()
