"""Settings of the data: what cannot be is refused, and sizes follow from them."""

import pytest

from grok.config import ConfigError, TaskConfig


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: TaskConfig(modulus=1), "task.modulus: expected an integer of at least 3, got 1"),
        (lambda: TaskConfig(modulus=None), "task.modulus: expected an integer of at least 3, got None"),
        (lambda: TaskConfig(train_fraction=0.0), r"task.train_fraction: expected a fraction in \(0, 1\), got 0"),
        (lambda: TaskConfig(train_fraction=1.5), r"task.train_fraction: expected a fraction in \(0, 1\), got 1.5"),
        (lambda: TaskConfig(modulus=3, train_fraction=0.01), "leaves both splits a sample of the 9, got 0.01"),
        (lambda: TaskConfig(operation="divide", modulus=15), "task.modulus: expected a prime for divide, got 15"),
        (lambda: TaskConfig(modulus=20_000), "expected at most 2,000, as all pairs are held in memory, got 20000"),
        (lambda: TaskConfig(operation="parity", modulus=9), "task.modulus: expected a prime for parity, got 9"),
        (lambda: TaskConfig(operation="s5-compose"), "expected None, since s5-compose is on 120 permutations, got 113"),
    ],
)
def test_a_setting_that_cannot_be_is_named_with_what_was_expected(make, message):
    with pytest.raises(ConfigError, match=message):
        make()


@pytest.mark.parametrize(
    ("operation", "modulus", "sizes"),
    [("add", 113, (12_769, 3_830, 8_939)), ("divide", 7, (42, 12, 30)), ("s5-compose", None, (14_400, 4_320, 10_080))],
)
def test_sizes_follow_from_operation_modulus_and_fraction(operation, modulus, sizes):
    task = TaskConfig(operation=operation, modulus=modulus)
    assert (task.num_pairs, task.train_size, task.test_size) == sizes


@pytest.mark.parametrize("modulus", [4, 9, 12])
def test_only_division_needs_a_prime(modulus):
    assert TaskConfig(operation="multiply", modulus=modulus).num_elements == modulus
