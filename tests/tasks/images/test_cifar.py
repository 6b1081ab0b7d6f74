"""CIFAR is read from a folder or downloaded from the hub, and the error for a missing file names both ways."""

import re

import pytest
import torch

from grok.tasks.images import CIFAR, DataError, cifar_task
from tests.tasks.images.helpers import pixels, png, write_images

HUB_FOLDERS = {
    "cifar10": "datasets/uoft-cs/cifar10/resolve/main/plain_text",
    "cifar100": "datasets/uoft-cs/cifar100/resolve/main/cifar100",
}
LABELS = {"cifar10": ("label", [3, 9, 0], [1, 2]), "cifar100": ("fine_label", [3, 99, 0], [1, 2])}
of_both = pytest.mark.parametrize("name", list(CIFAR))


def write(folder, name, *, suffix=""):
    label_column, train_labels, test_labels = LABELS[name]
    for split, labels, seed in (("train", train_labels, 0), ("test", test_labels, 1)):
        images = map(png, pixels(len(labels), seed=seed))
        write_images(folder / f"{split}{suffix}.parquet", images, labels, label_column=label_column)


@of_both
def test_train_and_test_are_the_images_and_labels_of_their_files(tmp_path, name):
    write(tmp_path, name)
    task = cifar_task(name, tmp_path)
    _, train_labels, test_labels = LABELS[name]
    for split, labels, seed in (("train", train_labels, 0), ("test", test_labels, 1)):
        expected = torch.tensor(pixels(len(labels), seed=seed)).permute(0, 3, 1, 2)
        assert torch.equal(task.inputs[task.indices(split)], expected)
        assert task.targets[task.indices(split)].tolist() == labels
    assert task.num_classes == {"cifar10": 10, "cifar100": 100}[name]


@of_both
def test_what_is_not_there_is_fetched_from_the_hub_when_asked_and_only_once(tmp_path, monkeypatch, name):
    hub, folder = tmp_path / "hub", tmp_path / "data"
    monkeypatch.setenv("HF_ENDPOINT", hub.as_uri())
    write(hub / HUB_FOLDERS[name], name, suffix="-00000-of-00001")
    fetched = cifar_task(name, folder, download=True)
    monkeypatch.setenv("HF_ENDPOINT", (tmp_path / "nowhere").as_uri())
    again = cifar_task(name, folder, download=True)
    assert again.targets.tolist() == fetched.targets.tolist() == LABELS[name][1] + LABELS[name][2]


def test_a_split_that_is_missing_is_said_in_one_line_with_both_ways_to_get_it(tmp_path):
    write(tmp_path, "cifar10")
    (tmp_path / "test.parquet").unlink()
    expected = (
        f"cifar10: expected test.parquet or test-00000-of-00001.parquet in {tmp_path}, got neither "
        "(put the Parquet files of https://huggingface.co/datasets/uoft-cs/cifar10 there, or add --download)"
    )
    with pytest.raises(DataError, match=f"^{re.escape(expected)}$"):
        cifar_task("cifar10", tmp_path)
