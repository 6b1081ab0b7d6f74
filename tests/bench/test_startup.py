"""Processes are timed from start to end, and a process that fails raises an error."""

import subprocess

import pytest

from grok.bench.startup import _process, startup
from tests.helpers import CPU


def test_a_process_takes_longer_for_what_it_imports():
    rows = {row["process"]: row["time"].median for row in startup(CPU, lambda _: None, repeats=1).rows}
    assert rows["python, nothing imported"] < rows["grok list"] < rows["import torch, and all that training imports"]


def test_a_process_that_fails_is_an_error():
    with pytest.raises(subprocess.CalledProcessError):
        _process(["-c", "raise SystemExit(3)"])()
