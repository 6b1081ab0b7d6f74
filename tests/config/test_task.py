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
        (10, 0.29, {"nearest": 29, "down": 28}),  # the product of floats is just below 29
        (100, 0.57, {"nearest": 5_700, "down": 5_699}),
        (113, 0.3, {"nearest": 3_831, "down": 3_830}),  # 3,830.7
        (7, 0.5, {"nearest": 24, "down": 24}),  # 24.5
        (6, 0.375, {"nearest": 14, "down": 13}),  # 13.5
        (400, 1e-05, {"nearest": 2, "down": 1}),  # 1.6
    ],
)
def test_a_fraction_of_the_pairs_is_rounded_to_the_nearest_or_down(modulus, fraction, sizes):
    task = TaskConfig(modulus=modulus, train_fraction=fraction)
    assert {rule: dataclasses.replace(task, rounding=rule).train_size for rule in sizes} == sizes
    assert (task.train_size, task.rounding) == (sizes["nearest"], "nearest")


@pytest.mark.parametrize("rule", ["nearest", "down"])
def test_the_rule_of_rounding_stays_as_it_was_set_whatever_else_changes(rule):
    task = TaskConfig(rounding=rule)
    there_and_back = dataclasses.replace(dataclasses.replace(task, modulus=59), modulus=113)
    assert (there_and_back, there_and_back.train_size) == (task, task.train_size)


def test_settings_have_one_identity_if_their_rules_give_the_same_split():
    nearest, down = (TaskConfig(modulus=59, rounding=rule) for rule in ("nearest", "down"))
    assert nearest.train_size == down.train_size == 1_044  # of 1,044.3
    assert nearest.identity() == down.identity() == down != nearest
    assert TaskConfig().identity() == TaskConfig() != TaskConfig(rounding="down").identity()


def test_a_split_has_an_identity_where_the_other_rule_would_leave_no_training_pair():
    task = TaskConfig(modulus=3, train_fraction=0.1)  # 0.9 of a pair
    assert (task.train_size, task.identity()) == (1, task)


@pytest.mark.parametrize("modulus", [4, 9, 12])
def test_only_division_needs_a_prime(modulus):
    assert TaskConfig(operation="multiply", modulus=modulus).num_elements == modulus
