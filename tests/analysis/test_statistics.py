"""Statistics agree with scipy and with slow enumeration, and say when there is nothing to say."""

import itertools
import math

import numpy as np
import pytest
from scipy import stats

from grok.analysis.statistics import median_interval, proportion_interval, rank_correlation


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


def test_what_has_no_statistic_is_refused():
    with pytest.raises(ValueError, match="values: expected finite values, got inf; leave such runs out"):
        median_interval([1, math.inf])
    with pytest.raises(ValueError, match="y: expected as many values as x, 3, got 2"):
        rank_correlation([1, 2, 3], [1, 2])
    with pytest.raises(ValueError, match="successes: expected 0 to trials, 3, got 4"):
        proportion_interval(4, 3)
    with pytest.raises(ValueError, match="confidence: expected a number between 0 and 1, got 95"):
        median_interval([1, 2, 3], confidence=95.0)
