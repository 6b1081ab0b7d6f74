"""The task holds all pairs of elements, and only the seed decides the split."""

import itertools

import pytest
import torch

from grok.config import TaskConfig
from grok.tasks import operation_task


def task(seed=0, **settings):
    return operation_task(TaskConfig(**settings), seed)


def test_every_pair_is_there_once_with_its_sum_as_target():
    inputs, targets = task(modulus=7).inputs.tolist(), task(modulus=7).targets.tolist()
    assert inputs == [[a, b, 7] for a in range(7) for b in range(7)]
    assert targets == [(a + b) % 7 for a, b, _ in inputs]


@pytest.mark.parametrize(("modulus", "fraction", "size"), [(113, 0.3, 3831), (7, 0.5, 24), (3, 0.12, 1)])
def test_the_splits_are_disjoint_and_cover_everything(modulus, fraction, size):
    split = task(modulus=modulus, train_fraction=fraction)
    assert len(split.train) == size
    assert sorted(split.train.tolist() + split.test.tolist()) == list(range(modulus**2))


def test_the_seed_decides_the_split():
    assert torch.equal(task(seed=1).train, task(seed=1).train)
    overlap = len(set(task(seed=0).train.tolist()) & set(task(seed=1).train.tolist()))
    assert overlap / 3831 == pytest.approx(0.3, abs=0.03)  # as two independent draws of 30 %


def test_the_split_of_a_seed_is_the_same_on_every_machine():
    first_of_each = [task(seed=seed).train[:5].tolist() for seed in (0, 1, 2)]
    assert first_of_each == [[0, 3, 5, 8, 9], [2, 9, 19, 22, 26], [4, 7, 10, 12, 20]]


def test_the_labels_of_random_are_drawn_once_a_seed_and_say_nothing_of_the_pair():
    first, second, other = (task(seed=seed, operation="random", modulus=23) for seed in (0, 0, 1))
    assert torch.equal(first.targets, second.targets)
    assert (first.targets == other.targets).double().mean().item() == pytest.approx(1 / 23, abs=0.03)
    counts = torch.bincount(first.targets, minlength=23)
    assert counts.min() > 0
    sums = (first.inputs[:, 0] + first.inputs[:, 1]) % 23
    assert (first.targets == sums).double().mean().item() == pytest.approx(1 / 23, abs=0.03)


def test_division_leaves_out_b_of_0():
    divided = task(operation="divide", modulus=7)
    assert divided.inputs[:, 1].min() == 1
    assert len(divided.train) + len(divided.test) == len(divided.targets) == 42


def test_permutations_are_classes_and_tokens():
    permuted = task(operation="s5-compose", modulus=None)
    assert (permuted.num_classes, permuted.num_tokens, len(permuted.targets)) == (120, 121, 14_400)
    assert permuted.cycle is None


@pytest.mark.parametrize(
    ("operation", "modulus", "cycle"),
    [
        ("add", 5, [0, 1, 2, 3, 4]),
        ("squares", 5, [0, 1, 2, 3, 4]),
        ("multiply", 5, [1, 2, 4, 3]),  # powers of 2
        ("divide", 7, [1, 3, 2, 6, 4, 5]),  # powers of 3
        ("multiply", 6, [0, 1, 2, 3, 4, 5]),  # no group but that of sums
    ],
)
def test_the_cycle_is_that_of_the_group(operation, modulus, cycle):
    assert task(operation=operation, modulus=modulus).cycle.tolist() == cycle


def test_along_its_cycle_a_product_is_a_sum():
    multiplied = task(operation="multiply", modulus=11)
    cycle = multiplied.cycle.tolist()
    targets = {(a, b): c for (a, b, _), c in zip(multiplied.inputs.tolist(), multiplied.targets.tolist(), strict=True)}
    for i, j in itertools.product(range(10), repeat=2):
        assert targets[cycle[i], cycle[j]] == cycle[(i + j) % 10]
