"""Settings of the data: invalid ones are rejected, and the sizes of the splits follow from them."""

import dataclasses

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
    [("add", 113, (12_769, 3_831, 8_938)), ("divide", 7, (42, 13, 29)), ("s5-compose", None, (14_400, 4_320, 10_080))],
)
def test_sizes_follow_from_operation_modulus_and_fraction(operation, modulus, sizes):
    task = TaskConfig(operation=operation, modulus=modulus)
    assert (task.num_pairs, task.train_size, task.test_size) == sizes


@pytest.mark.parametrize(
    ("modulus", "fraction", "sizes"),
    [
        (10, 0.29, {"nearest": 29, "down": 29, "truncated": 28}),
        (100, 0.57, {"nearest": 5_700, "down": 5_700, "truncated": 5_699}),
        (113, 0.3, {"nearest": 3_831, "down": 3_830, "truncated": 3_830}),  # 3,830.7
        (7, 0.5, {"nearest": 24, "down": 24, "truncated": 24}),  # 24.5
        (6, 0.375, {"nearest": 14, "down": 13, "truncated": 13}),  # 13.5
        (400, 1e-05, {"nearest": 2, "down": 1, "truncated": 1}),  # 1.6
    ],
)
def test_a_fraction_of_the_pairs_is_rounded_by_the_rule_and_exactly(modulus, fraction, sizes):
    task = TaskConfig(modulus=modulus, train_fraction=fraction)
    assert {rule: dataclasses.replace(task, rounding=rule).train_size for rule in sizes} == sizes
    assert (task.train_size, task.rounding) == (sizes["nearest"], "nearest")


def test_rules_of_rounding_that_give_the_same_split_are_the_same_settings():
    assert TaskConfig(modulus=31, train_fraction=0.5, rounding="truncated") == TaskConfig(
        modulus=31, train_fraction=0.5
    )
    assert TaskConfig(rounding="truncated") == TaskConfig(rounding="down") != TaskConfig()


@pytest.mark.parametrize("modulus", [4, 9, 12])
def test_only_division_needs_a_prime(modulus):
    assert TaskConfig(operation="multiply", modulus=modulus).num_elements == modulus
