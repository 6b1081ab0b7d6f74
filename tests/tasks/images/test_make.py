"""A config names its data set, and the measured samples are a normalised part of it that the seed draws."""

import dataclasses
import re

import pytest
import torch

from grok.config import ImageTaskConfig
from grok.tasks.images import (
    DataError,
    DataFolder,
    digits_task,
    make,
    make_image_task,
    measured_task,
    mnist1d_task,
    normalise,
    require_data,
)
from tests.tasks.images.test_cifar import HUB_FOLDERS, LABELS, write

DIGITS = ImageTaskConfig(dataset="digits", measured_train=100)


@pytest.fixture(autouse=True)
def nothing_decoded_yet():
    make._shared.cache_clear()


@pytest.mark.parametrize(("dataset", "alone"), [("digits", lambda: digits_task(3)), ("mnist1d", mnist1d_task)])
def test_a_data_set_without_files_is_made_by_the_seed(tmp_path, dataset, alone):
    config = ImageTaskConfig(dataset=dataset)
    made = make_image_task(config, 3, DataFolder(path=tmp_path / "nowhere"))
    for field, tensor in vars(alone()).items():
        assert tensor is None or torch.equal(torch.as_tensor(getattr(made, field)), torch.as_tensor(tensor)), field


@pytest.mark.parametrize("name", ["cifar10", "cifar100"])
def test_cifar_is_read_from_the_folder_of_its_name_and_decoded_once(tmp_path, monkeypatch, name):
    write(tmp_path / name, name)
    config = ImageTaskConfig(dataset=name)
    first = make_image_task(config, 0, DataFolder(path=tmp_path))
    assert first.targets.tolist() == LABELS[name][1] + LABELS[name][2]
    monkeypatch.chdir(tmp_path)
    assert make_image_task(config, 1, DataFolder(path=tmp_path)) is first
    assert make_image_task(config, 1, DataFolder(path=tmp_path / "." / name / "..")) is first


def test_folders_of_the_same_name_elsewhere_are_told_apart(tmp_path, monkeypatch):
    config = ImageTaskConfig(dataset="cifar10")
    for place, name in (("one", "cifar10"), ("other", "cifar10")):
        write(tmp_path / place / "data" / name, name)
    found = []
    for place in ("one", "other"):
        monkeypatch.chdir(tmp_path / place)
        found.append(make_image_task(config, 0, DataFolder()))
    assert found[0] is not found[1]


def test_without_its_files_cifar_is_refused_and_fetched_only_when_asked(tmp_path, monkeypatch):
    hub, folder = tmp_path / "hub", tmp_path / "data"
    monkeypatch.setenv("HF_ENDPOINT", hub.as_uri())
    write(hub / HUB_FOLDERS["cifar10"], "cifar10", suffix="-00000-of-00001")
    config = ImageTaskConfig(dataset="cifar10")
    with pytest.raises(DataError, match=f"^cifar10: expected train.parquet or .* in {re.escape(str(folder))}"):
        make_image_task(config, 0, DataFolder(path=folder))
    fetched = make_image_task(config, 0, DataFolder(path=folder, download=True))
    assert fetched.targets.tolist() == LABELS["cifar10"][1] + LABELS["cifar10"][2]


def test_files_that_are_there_are_required_without_being_decoded(tmp_path, monkeypatch):
    write(tmp_path / "cifar10", "cifar10")
    undecoded = {name: dataclasses.replace(data_set, make=pytest.fail) for name, data_set in make.DATA_SETS.items()}
    monkeypatch.setattr(make, "DATA_SETS", undecoded)
    for dataset in ("cifar10", "mnist1d"):
        require_data(ImageTaskConfig(dataset=dataset), DataFolder(path=tmp_path))


def test_files_that_are_required_are_fetched_when_asked_and_refused_otherwise(tmp_path, monkeypatch):
    hub, folder = tmp_path / "hub", tmp_path / "data"
    monkeypatch.setenv("HF_ENDPOINT", hub.as_uri())
    write(hub / HUB_FOLDERS["cifar10"], "cifar10", suffix="-00000-of-00001")
    config = ImageTaskConfig(dataset="cifar10")
    with pytest.raises(DataError, match=f"^cifar10: expected train.parquet or .* in {re.escape(str(folder))}"):
        require_data(config, DataFolder(path=folder))
    require_data(config, DataFolder(path=folder, download=True))
    decoded = make._shared.cache_info().misses
    assert make_image_task(config, 0, DataFolder(path=folder, download=True)).targets.tolist() == [3, 9, 0, 1, 2]
    assert make._shared.cache_info().misses == decoded
    require_data(config, DataFolder(path=folder))


def originals(task, inputs):
    """For each normalised input the index of the sample of the task that it is."""
    rows = normalise(task.inputs, task.mean, task.std).flatten(1)
    return torch.stack([(rows == row).all(dim=1).nonzero()[0, 0] for row in inputs.flatten(1)])


def test_measured_samples_are_normalised_training_samples_each_at_most_once_and_all_of_the_test_split():
    task = digits_task(0)
    measured = measured_task(task, DIGITS, 0)
    chosen = originals(task, measured.inputs[measured.train])
    assert len(set(chosen.tolist())) == len(measured.train) == 100
    assert set(chosen.tolist()) <= set(task.train.tolist())
    assert torch.equal(measured.targets[measured.train], task.targets[chosen])
    expected = normalise(task.inputs[task.test], task.mean, task.std)
    assert torch.equal(measured.inputs[measured.test], expected)
    assert torch.equal(measured.targets[measured.test], task.targets[task.test])
    assert (measured.num_classes, measured.cycle) == (10, None)


def test_equal_seeds_draw_equal_samples_and_others_others():
    task = mnist1d_task()
    config = ImageTaskConfig(measured_train=50)
    first, same, other = (measured_task(task, config, seed).inputs for seed in (0, 0, 1))
    assert torch.equal(first, same)
    assert not torch.equal(first[:50], other[:50])
    assert torch.equal(first[50:], other[50:])


def test_more_measured_samples_contain_the_fewer():
    task = mnist1d_task()
    few, many = (measured_task(task, ImageTaskConfig(measured_train=count), 0).inputs[:count] for count in (20, 60))
    rows = {tuple(row) for row in many.flatten(1).tolist()}
    assert {tuple(row) for row in few.flatten(1).tolist()} < rows


def test_all_training_samples_are_measured_where_all_are_asked_for():
    task = digits_task(0)
    measured = measured_task(task, ImageTaskConfig(dataset="digits", measured_train=1_200), 0)
    assert torch.equal(measured.inputs, normalise(task.inputs, task.mean, task.std))
    assert torch.equal(measured.targets, task.targets)
