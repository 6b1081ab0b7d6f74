"""Tensors of a step are written whole, read bit for bit, and found by step."""

import pytest
import torch

from grok.training.tensor_files import TensorFileError, read_tensors, step_file, step_files, write_tensors
from tests.helpers import new_run


def test_tensors_come_back_bit_for_bit(tmp_path):
    run = new_run(tmp_path)
    tensors = {"a": torch.randn(3, 4).T, "b": torch.tensor([True, False]), "c": torch.tensor(1.5, dtype=torch.float64)}
    for step in (100, 5):
        write_tensors(run, step_file(run.path / "kept", step), tensors, step=step)
    files = step_files(run.path / "kept")
    assert list(files) == [5, 100]
    step, read = read_tensors(files[100])
    assert step == 100
    assert read.keys() == tensors.keys()
    assert all(torch.equal(read[name], tensors[name]) and read[name].dtype == tensors[name].dtype for name in tensors)
    assert not [path for path in (run.path / "kept").iterdir() if path.suffix != ".safetensors"]


@pytest.mark.parametrize("content", [b"", b"garbage", b"\x08\x00\x00\x00\x00\x00\x00\x00{}      "])
def test_a_damaged_file_is_an_error(tmp_path, content):
    path = step_file(tmp_path, 3)
    path.write_bytes(content)
    with pytest.raises(TensorFileError):
        read_tensors(path)


def test_a_folder_that_is_not_there_has_no_files(tmp_path):
    assert step_files(tmp_path / "none") == {}
