"""A run ends when test accuracy has stayed, or at its last step."""

import pytest

from grok.training.stopping import Settle


def settle_after(accuracies, *, steps=1000, settle=100):
    rule = Settle(steps=steps, settle=settle)
    for step, accuracy in accuracies.items():
        rule.update(step, accuracy)
    return rule.last_step


@pytest.mark.parametrize(
    ("accuracies", "last"),
    [
        ({}, 1000),
        ({0: 0.1, 10: 0.989}, 1000),
        ({10: 0.99, 20: 1.0}, 110),
        ({10: 0.99, 20: 0.98, 30: 0.99}, 130),
        ({10: 0.99, 20: 0.98}, 1000),
        ({950: 1.0}, 1000),
    ],
    ids=["nothing known", "not yet", "reached", "reached again", "lost", "too late"],
)
def test_the_last_step_follows_test_accuracy(accuracies, last):
    assert settle_after(accuracies) == last


def test_without_settle_a_run_takes_all_its_steps():
    assert settle_after({0: 1.0}, settle=None) == 1000


@pytest.mark.parametrize(
    ("settle", "delay", "every"), [(20, 1, 20), (500, 1, 50), (None, 1, 50), (60, 2, 30), (3, 2, 1), (500, 2, 50)]
)
def test_the_end_is_looked_for_often_enough_not_to_pass_it(settle, delay, every):
    rule = Settle(steps=1000, settle=settle)
    assert rule.allows(delay)
    assert rule.look_every(50, delay=delay) == every


def test_no_spacing_sees_an_end_after_one_step_with_a_delay_of_two():
    assert not Settle(steps=1000, settle=1).allows(2)
