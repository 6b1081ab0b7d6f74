"""Freed memory is kept where the C library can be told to, and nothing is asked of another one."""

import ctypes
import subprocess
import sys

import pytest

from grok.training import allocator

GIVEN_BACK = """
import re
from pathlib import Path
import torch
{keep}
def resident():
    return int(re.findall(r"VmRSS:\\s+(\\d+) kB", Path("/proc/self/status").read_text())[0]) / 1024
array = torch.ones(2**22)
before = resident()
del array
print(before - resident())
"""


@pytest.mark.skipif(
    not (sys.platform == "linux" and hasattr(ctypes.CDLL(None), "gnu_get_libc_version")), reason="needs glibc on Linux"
)
def test_an_array_that_is_freed_stays_with_the_process():
    keep = "from grok.training.allocator import keep_freed_memory; assert keep_freed_memory()"
    by_default, kept = (
        float(
            subprocess.run(
                [sys.executable, "-c", GIVEN_BACK.format(keep=prelude)], capture_output=True, check=True
            ).stdout
        )
        for prelude in ("", keep)
    )
    assert by_default == pytest.approx(16, abs=1)  # MiB
    assert kept == pytest.approx(0, abs=1)


def test_another_c_library_is_left_alone(monkeypatch):
    monkeypatch.setattr(allocator.ctypes, "CDLL", lambda name: object())
    assert not allocator.keep_freed_memory()
