"""Statistics agree with scipy and with slow enumeration, and degenerate cases are nan."""

import itertools
import math

import numpy as np
import pytest
from scipy import stats

from grok.analysis.statistics import (
    holm,
    mean_interval,
    median_interval,
    paired_difference,
    proportion_interval,
    rank_correlation,
)


def _all_resamples(*samples):
    """Every resample with replacement of paired samples, each as likely as any other."""
    n = len(samples[0])
    return [[[sample[i] for i in drawn] for sample in samples] for drawn in itertools.product(range(n), repeat=n)]


def test_a_median_interval_holds_the_quantiles_of_all_resamples():
    values = [3.0, 11.0, 5.0, 8.0, 1.0, 20.0]
    medians = [np.median(sample) for (sample,) in _all_resamples(values)]
    found = median_interval(values, confidence=0.8)
    assert (found.median, found.n) == (6.5, 6)
    assert (found.low, found.high) == tuple(np.quantile(medians, [0.1, 0.9]))


def test_a_median_interval_of_many_values_is_near_the_order_statistics_of_the_binomial():
    values = np.random.default_rng(0).standard_normal(400)
    low, high = stats.binom.ppf([0.025, 0.975], 400, 0.5).astype(int)
    found = median_interval(values)
    assert np.sort(values)[low - 4] < found.low < np.sort(values)[low + 4]
    assert np.sort(values)[high - 4] < found.high < np.sort(values)[high + 4]


def test_a_median_of_too_few_values_has_no_interval_and_of_equal_ones_a_point():
    assert str(median_interval([])) == "MedianInterval(median=nan, low=nan, high=nan, n=0)"
    assert str(median_interval([1, 2])) == "MedianInterval(median=1.5, low=nan, high=nan, n=2)"
    assert median_interval([7, 7, 7]) == (7, 7, 7, 3)


def test_rank_correlation_with_ties_is_scipys_and_its_interval_that_of_all_resamples():
    x, y = [1.0, 4.0, 2.0, 2.0, 9.0], [2.0, 3.0, 1.0, 5.0, 8.0]
    found = rank_correlation(x, y, confidence=0.6)
    assert found.rho == pytest.approx(stats.spearmanr(x, y).statistic, abs=1e-12)
    assert found.n == 5
    resampled = [
        stats.spearmanr(a, b).statistic for a, b in _all_resamples(x, y) if len(set(a)) > 1 and len(set(b)) > 1
    ]
    assert [found.low, found.high] == pytest.approx(np.quantile(resampled, [0.2, 0.8]), abs=0.02)


def test_a_rank_correlation_of_too_few_or_constant_values_is_nan():
    for x, y in (([], []), ([1, 2], [1, 2]), ([1, 1, 1], [1, 2, 3]), ([1, 2, 3], [4, 4, 4])):
        assert all(math.isnan(number) for number in rank_correlation(x, y)[:3])
    assert rank_correlation([1, 2, 3], [4, 5, 6]) == pytest.approx((1, 1, 1, 3))


@pytest.mark.parametrize(("successes", "trials"), [(0, 10), (3, 10), (10, 10)])
def test_a_proportion_interval_ends_where_the_binomial_tails_reach_half_the_error(successes, trials):
    found = proportion_interval(successes, trials)
    assert found.fraction == successes / trials
    assert found.low == 0 or stats.binom.sf(successes - 1, trials, found.low) == pytest.approx(0.025)
    assert found.high == 1 or stats.binom.cdf(successes, trials, found.high) == pytest.approx(0.025)
    assert (found.low == 0, found.high == 1) == (successes == 0, successes == trials)


def test_a_proportion_of_no_trials_is_nan():
    assert str(proportion_interval(0, 0)) == "Proportion(fraction=nan, low=nan, high=nan, successes=0, trials=0)"


@pytest.mark.parametrize("confidence", [0.8, 0.95, 0.99])
@pytest.mark.parametrize("n", [2, 5, 40])
def test_a_mean_interval_is_scipys_of_student(n, confidence):
    values = np.random.default_rng(n).standard_normal(n) + 3
    found = mean_interval(values, confidence=confidence)
    assert (found.mean, found.n) == (pytest.approx(values.mean(), rel=1e-12), n)
    expected = stats.t.interval(confidence, n - 1, loc=values.mean(), scale=stats.sem(values))
    assert (found.low, found.high) == pytest.approx(expected, rel=1e-12)


def test_a_mean_of_too_few_values_has_no_interval_and_of_equal_ones_a_point():
    assert str(mean_interval([])) == "MeanInterval(mean=nan, low=nan, high=nan, n=0)"
    assert str(mean_interval([2.5])) == "MeanInterval(mean=2.5, low=nan, high=nan, n=1)"
    assert mean_interval([7, 7, 7]) == (7, 7, 7, 3)


@pytest.mark.parametrize("n", [2, 4, 7, 10])
def test_a_paired_differences_p_is_scipys_of_all_swaps_of_members(n):
    generator = np.random.default_rng(n)
    for _ in range(5):
        differences = generator.integers(-3, 6, size=n) / 8  # with ties and zeros, exact in binary
        found = paired_difference(differences)
        assert found[:4] == pytest.approx(mean_interval(differences), nan_ok=True)
        expected = stats.permutation_test(
            (differences,), np.mean, permutation_type="samples", n_resamples=np.inf, alternative="two-sided"
        )
        flips = np.array(list(itertools.product([1, -1], repeat=n))) @ differences
        assert found.p == np.mean(np.abs(flips) >= abs(differences.sum()))
        assert found.p == pytest.approx(expected.pvalue, abs=1e-12)


def test_three_pairs_are_swapped_in_eight_ways():
    # sums: 6, and with one, two or three signs turned 4, 2, 0, 0, -2, -4, -6; as far from 0 as their own
    for differences, as_far in (([1, 2, 3], 2), ([-1, 2, 3], 4), ([1, -2, 3], 6), ([1, 2, -3], 8)):
        assert paired_difference(differences).p == as_far / 8


def test_differences_that_cancel_but_for_rounding_have_a_p_of_one():
    assert sum([0.1, 0.2, -0.3]) != 0
    assert paired_difference([0.1, 0.2, -0.3]).p == 1
    accuracies = np.array([0.91, 0.92, 0.93, 0.94]), np.array([0.90, 0.91, 0.92, 0.93])
    assert len(set(accuracies[0] - accuracies[1])) > 1
    assert paired_difference(accuracies[0] - accuracies[1]).p == 2 / 16


def test_more_pairs_than_can_be_swapped_in_all_ways_are_sampled_and_the_same_each_time():
    differences = np.random.default_rng(3).standard_normal(30) + 0.3
    found = paired_difference(differences)
    assert found == paired_difference(differences)
    expected = stats.ttest_1samp(differences, 0).pvalue
    assert 0.01 < expected < 0.2
    assert found.p == pytest.approx(expected, rel=0.1)
    assert paired_difference(np.ones(17)).p == pytest.approx(1 / (2**16 + 1), abs=1e-4)  # never 0


def test_a_difference_of_no_pairs_has_no_p_and_one_of_equal_pairs_a_p_of_one():
    nothing = "PairedDifference(mean=nan, low=nan, high=nan, n=0, p=nan)"
    assert str(paired_difference([])) == nothing
    assert str(paired_difference([2.0])) == "PairedDifference(mean=2.0, low=nan, high=nan, n=1, p=1.0)"
    assert paired_difference([0.0, 0.0]) == (0, 0, 0, 2, 1)


def test_holms_values_are_those_of_the_procedure_in_the_order_of_the_tests():
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.9, 0.5, 0.2]) == pytest.approx([1.0, 1.0, 0.6])
    assert holm([0.02, 0.02]) == pytest.approx([0.04, 0.04])
    assert holm([0.03]) == [0.03]
    assert holm([]) == []


def test_what_was_not_tested_stays_nan_and_counts_for_nothing():
    first, second, third = holm([0.04, math.nan, 0.01])
    assert (first, third) == pytest.approx((0.04, 0.02))
    assert math.isnan(second)


def test_what_has_no_statistic_is_refused():
    with pytest.raises(ValueError, match="values: expected finite values, got inf; leave such runs out"):
        median_interval([1, math.inf])
    with pytest.raises(ValueError, match="y: expected as many values as x, 3, got 2"):
        rank_correlation([1, 2, 3], [1, 2])
    with pytest.raises(ValueError, match="successes: expected 0 to trials, 3, got 4"):
        proportion_interval(4, 3)
    with pytest.raises(ValueError, match="differences: expected finite values, got nan; leave such runs out"):
        paired_difference([1, math.nan])
    for interval in (median_interval, mean_interval, paired_difference):
        with pytest.raises(ValueError, match="confidence: expected a number between 0 and 1, got 95"):
            interval([1, 2, 3], confidence=95.0)
