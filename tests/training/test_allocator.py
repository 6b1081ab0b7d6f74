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
for _ in range(3):
    del_me = [torch.ones(2**21) for _ in range(3)]
    del del_me
before = faults()
for _ in range(10):
    del_me = [torch.ones(2**21) for _ in range(3)]
    del del_me
print((faults() - before) / 10)
"""


@pytest.mark.skipif(not hasattr(ctypes.CDLL(None), "gnu_get_libc_version"), reason="needs glibc")
def test_arrays_allocated_again_touch_no_new_pages():
    keep = "from grok.training.allocator import keep_freed_memory; assert keep_freed_memory()"
    faults = [
        float(
            subprocess.run([sys.executable, "-c", FAULTS.format(keep=prelude)], capture_output=True, check=True).stdout
        )
        for prelude in ("", keep)
    ]
    assert faults[1] < 10 < faults[0]  # 24 MiB are 6,144 pages; by default glibc gives some of them back each time


def test_another_c_library_is_left_alone(monkeypatch):
    monkeypatch.setattr(allocator.ctypes, "CDLL", lambda name: object())
    assert not allocator.keep_freed_memory()
