"""The task is all pairs, split by the seed alone."""

import pytest
import torch

from grok.config import TaskConfig
from grok.tasks import modular_task


def task(seed=0, **settings):
    return modular_task(TaskConfig(**settings), seed)


def test_every_pair_is_there_once_with_its_sum_as_target():
    inputs, targets = task(modulus=7).inputs.tolist(), task(modulus=7).targets.tolist()
    assert inputs == [[a, b, 7] for a in range(7) for b in range(7)]
    assert targets == [(a + b) % 7 for a, b, _ in inputs]


@pytest.mark.parametrize(("modulus", "fraction", "size"), [(113, 0.3, 3830), (7, 0.5, 24), (3, 0.12, 1)])
def test_the_splits_are_disjoint_and_cover_everything(modulus, fraction, size):
    split = task(modulus=modulus, train_fraction=fraction)
    assert len(split.train) == size
    assert sorted(split.train.tolist() + split.test.tolist()) == list(range(modulus**2))


def test_the_seed_decides_the_split():
    assert torch.equal(task(seed=1).train, task(seed=1).train)
    overlap = len(set(task(seed=0).train.tolist()) & set(task(seed=1).train.tolist()))
    assert overlap / 3830 == pytest.approx(0.3, abs=0.03)  # as two independent draws of 30 %


def test_the_split_of_a_seed_is_the_same_on_every_machine():
    first_of_each = [task(seed=seed).train[:5].tolist() for seed in (0, 1, 2)]
    assert first_of_each == [[0, 3, 5, 8, 9], [2, 9, 19, 22, 26], [4, 7, 10, 12, 20]]


def test_indices_gives_the_split_by_name():
    split = task(modulus=5)
    assert split.indices("train") is split.train
    assert split.indices("test") is split.test
