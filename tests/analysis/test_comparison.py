"""Trainings are compared in pairs of the same seed; one that never groks is later than any that does."""

import math

import pytest
from scipy import stats

from grok.analysis.comparison import Outcomes, compare, outcomes
from grok.analysis.statistics import paired_difference


def made(steps, accuracies=None):
    steps = {seed: float(step) for seed, step in steps.items()}
    return Outcomes(steps=steps, accuracies=accuracies or dict.fromkeys(steps, 1.0))


def summary(grokked, accuracy):
    return {"events": {"grokked": grokked}, "last": {"test/accuracy": accuracy}}


def test_outcomes_are_those_of_the_seeds_whose_accuracy_was_measured():
    lost = {"events": {"grokked": 300, "ungrokked": 500}, "last": {"test/accuracy": 0.75}}
    unmeasured = {"events": {"grokked": 7}, "last": {}}
    found = outcomes({3: summary(400, 1.0), 1: summary(None, 0.5), 0: lost, 2: unmeasured, 4: {}})
    steps, accuracies = {3: 400.0, 1: math.inf, 0: 300.0}, {3: 1.0, 1: 0.5, 0: 0.75}
    assert found == Outcomes(steps=steps, accuracies=accuracies, lost=1)
    assert found.median == 400.0


def test_steps_are_paired_by_seed_whatever_the_order_and_seeds_that_one_side_lacks_are_no_pairs():
    found = compare(made({2: 100, 7: 200, 5: 800}), made({5: 400, 1: 500, 2: 600}))
    assert (found.earlier, found.later, found.ratio) == (1, 1, (100 / 600 + 800 / 400) / 2)
    assert found.accuracy.n == 2


def test_accuracies_are_paired_by_seed_whatever_the_order():
    steps = dict.fromkeys(range(3), math.inf)
    found = compare(made(steps, {2: 0.9, 0: 0.2, 1: 0.4}), made(steps, {0: 0.1, 1: 0.4, 2: 0.5}))
    assert found.accuracy == paired_difference([0.2 - 0.1, 0.0, 0.9 - 0.5])


def test_one_that_never_groks_is_later_than_any_that_does_and_no_later_than_another_that_never_does():
    never = math.inf
    found = compare(made({0: never, 1: 900, 2: never}), made({0: 900, 1: never, 2: never}))
    assert (found.earlier, found.later, found.p) == (1, 1, 1.0)
    assert math.isnan(found.ratio)
    found = compare(made({0: never}), made({0: never}))
    assert (found.earlier, found.later) == (0, 0)
    assert math.isnan(found.p)


def test_p_is_of_the_sign_test():
    found = compare(made(dict.fromkeys(range(7), 100)), made({seed: 200 if seed else 50 for seed in range(7)}))
    assert (found.earlier, found.later) == (6, 1)
    assert found.p == pytest.approx(stats.binomtest(6, 7).pvalue)
