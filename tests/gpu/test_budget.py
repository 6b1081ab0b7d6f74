"""The time is divided by shares, and what a part leaves over goes to those after it."""

import pytest

from grok.gpu.budget import budget_of, grace_of


def test_all_budgets_together_are_the_time_that_is_left():
    shares, left, budgets = [60, 30, 90, 20], 600.0, []
    for place, share in enumerate(shares):
        budgets.append(budget_of(share, shares[place + 1 :], left))
        left -= budgets[-1]
    assert budgets == pytest.approx([180, 90, 270, 60])
    assert left == pytest.approx(0)


def test_what_a_part_leaves_over_goes_to_those_after_it():
    assert budget_of(30, [90], 600.0 - 20.0) == pytest.approx(145)
    assert budget_of(30, [], 100.0) == 100
    assert budget_of(30, [10], -3.0) == 0


def test_a_part_has_five_seconds_to_end_and_less_of_a_short_budget():
    assert grace_of(100.0) == 5
    assert grace_of(2.0) == pytest.approx(0.4)
