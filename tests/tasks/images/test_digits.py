"""The seed splits the digits, and the error without scikit-learn names the mend."""

import sys

import pytest
import torch
from sklearn.datasets import load_digits

from grok.tasks.images import DataError, digits_task


def test_every_digit_is_in_one_split_with_its_label():
    task, (images, labels) = digits_task(0), load_digits(return_X_y=True)
    assert (task.inputs.shape, len(task.train), len(task.test)) == ((1797, 1, 8, 8), 1200, 597)
    ours = sorted(
        (*image.flatten().tolist(), label.item()) for image, label in zip(task.inputs, task.targets, strict=True)
    )
    assert ours == sorted((*image, label) for image, label in zip(images.tolist(), labels.tolist(), strict=True))


def test_the_seed_decides_which_train():
    assert torch.equal(digits_task(0).inputs, digits_task(0).inputs)
    assert not torch.equal(digits_task(0).inputs, digits_task(1).inputs)


def test_without_scikit_learn_it_says_how_to_get_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "sklearn.datasets", None)
    with pytest.raises(
        DataError, match=r"^scikit-learn: expected an installation, got none \(pip install scikit-learn\)$"
    ):
        digits_task(0)
