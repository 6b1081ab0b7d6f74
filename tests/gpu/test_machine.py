"""The machine is described by what decides its speed, and a missing GPU ends everything at once."""

import dataclasses
import platform

import pytest
import torch

from grok.gpu.job import FailedError
from grok.gpu.machine import describe
from tests.gpu.helpers import measure, tiny_job


def test_a_machine_has_a_name_and_versions(tmp_path):
    (table,), line = measure(describe(tiny_job(tmp_path)))
    properties = {row["property"]: row["value"] for row in table.rows}
    assert properties["torch"] == torch.__version__
    assert properties["python"] == platform.python_version()
    assert line == f"{platform.machine()}, torch {torch.__version__}, {torch.get_num_threads()} threads"


def test_a_gpu_that_is_not_there_is_an_error_with_the_mend(tmp_path, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(
        FailedError, match=r"^--device: expected a device that this machine has, got cuda: use --device"
    ):
        measure(describe(dataclasses.replace(tiny_job(tmp_path), device="cuda")))
