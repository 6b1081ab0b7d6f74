"""Statistics over runs, in which every number comes with its interval and its n."""

import math
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

import numpy as np
from scipy import stats

RESAMPLES = 9_999
"""Number of resamples of a bootstrap."""
MOST_FLIPS = 2**16
"""Largest number of swaps of pairs that a sign-flip test tries; of more, it tries this many at random."""


class MedianInterval(NamedTuple):
    """A median, its confidence interval and the number of values."""

    median: float
    low: float
    high: float
    n: int


class MeanInterval(NamedTuple):
    """A mean, its confidence interval and the number of values."""

    mean: float
    low: float
    high: float
    n: int


class PairedDifference(NamedTuple):
    """The mean difference of pairs, its confidence interval, the number of pairs and the P value."""

    mean: float
    low: float
    high: float
    n: int
    p: float


class RankCorrelation(NamedTuple):
    """Spearman's rho, its confidence interval and the number of pairs."""

    rho: float
    low: float
    high: float
    n: int


class Proportion(NamedTuple):
    """A fraction of trials, its confidence interval, and both counts."""

    fraction: float
    low: float
    high: float
    successes: int
    trials: int


def median_interval(values: Iterable[Any], *, confidence: float = 0.95) -> MedianInterval:
    r"""Median and its percentile bootstrap interval, which is made of quantiles of the medians of 9,999 resamples.

    The same values give the same interval. The interval never leaves the range of the values. For n values it therefore
    covers the true median with probability at most $1 - 2^{1-n}$: 75 % for 3 values and 94 % for 5.

    Degenerate cases: without values the result is nan. With one or two values the interval is nan. If all values are
    equal, both ends of the interval are that value.

    Raises:
        ValueError: if a value is not finite, or if the confidence is outside (0, 1).

    Source: Efron, *Bootstrap Methods: Another Look at the Jackknife*, Annals of Statistics 1979.

    >>> median_interval([3, 1, 2, 5, 4])
    MedianInterval(median=3.0, low=1.0, high=5.0, n=5)
    """
    sample = _finite("values", values)
    n = len(sample)
    median = float(np.median(sample)) if n else math.nan
    return MedianInterval(median, *_bootstrap((sample,), np.median, confidence), n)


def mean_interval(values: Iterable[Any], *, confidence: float = 0.95) -> MeanInterval:
    r"""Mean and Student's interval $\bar x \pm t_{n-1} s / \sqrt n$, which is exact for normally distributed values.

    Degenerate cases: without values the result is nan. With one value the interval is nan.

    Raises:
        ValueError: if a value is not finite, or if the confidence is outside (0, 1).

    Source: Student, *The Probable Error of a Mean*, Biometrika 1908.

    >>> print("{:.2f} [{:.2f}, {:.2f}] of {}".format(*mean_interval([1, 2, 3])))
    2.00 [-0.48, 4.48] of 3
    """
    sample = _finite("values", values)
    _check_confidence(confidence)
    n = len(sample)
    mean = float(sample.mean()) if n else math.nan
    if n < 2:
        return MeanInterval(mean, math.nan, math.nan, n)
    half = stats.t.ppf((1 + confidence) / 2, n - 1) * sample.std(ddof=1) / math.sqrt(n)
    return MeanInterval(mean, mean - float(half), mean + float(half), n)


def paired_difference(differences: Iterable[Any], *, confidence: float = 0.95) -> PairedDifference:
    r"""Mean of the differences of pairs with Student's interval, and the exact sign-flip test of no difference.

    p is the fraction of the $2^n$ ways to swap the members of pairs that give a mean difference at least as far from 0.
    The test assumes only that, without an effect, either member of a pair is equally likely to be the larger. p is
    never below $2^{1-n}$: 0.0625 for 5 pairs and 0.002 for 10. Of more than $2^{16}$ ways, the test draws $2^{16}$ at
    random.

    Degenerate cases: the interval is that of `mean_interval`. p is nan without pairs, and 1 if all differences are 0.

    Raises:
        ValueError: if `mean_interval` would reject the values.

    Source: Fisher, *The Design of Experiments*, 1935, section 21.

    >>> print("{:.1f} [{:.2f}, {:.2f}] of {}, p = {}".format(*paired_difference([1.0, 2.0, 3.0, 2.0, 1.0])))
    1.8 [0.76, 2.84] of 5, p = 0.0625
    """
    sample = _finite("differences", differences)
    interval = mean_interval(sample, confidence=confidence)
    if not len(sample):
        return PairedDifference(*interval, math.nan)
    swapped = np.abs(_signs(len(sample)) @ sample)
    rounding = 1e-9 * np.abs(sample).sum()  # far more than sums in another order differ
    at_least = swapped >= abs(sample.sum()) - rounding
    drawn = 2 ** len(sample) > MOST_FLIPS  # the unswapped pairs then count as one of the ways
    return PairedDifference(*interval, float((at_least.sum() + drawn) / (len(at_least) + drawn)))


def _signs(n: int) -> np.ndarray:
    """Return all ways to swap n pairs, each as a row of 1 and -1; of more than 2^16 ways, 2^16 drawn at random."""
    if 2**n <= MOST_FLIPS:
        return 1 - 2 * (np.arange(2**n)[:, None] >> np.arange(n) & 1)
    return np.random.default_rng(0).choice([-1, 1], size=(MOST_FLIPS, n))


def holm(p_values: Iterable[float]) -> list[float]:
    """P values of several tests, adjusted by Holm's method for the number of tests.

    The probability of any false rejection is then at most that of a single test. P values that are nan are not counted
    as tests.

    Source: Holm, *A Simple Sequentially Rejective Multiple Test Procedure*, 1979.

    >>> holm([0.01, 0.04, 0.03])
    [0.03, 0.06, 0.06]
    """
    values = list(p_values)
    order = sorted((place for place, p in enumerate(values) if not math.isnan(p)), key=lambda place: values[place])
    adjusted, largest = list(values), 0.0
    for rank, place in enumerate(order):
        largest = max(largest, min(1.0, (len(order) - rank) * values[place]))
        adjusted[place] = largest
    return adjusted


def rank_correlation(x: Iterable[Any], y: Iterable[Any], *, confidence: float = 0.95) -> RankCorrelation:
    r"""Spearman's rho, the correlation of ranks (ties share their mean rank), and its percentile bootstrap interval.

    $\rho = \operatorname{cov}(r_x, r_y) / (\sigma_{r_x} \sigma_{r_y})$. The interval comes from 9,999 resamples of
    pairs, and the same pairs give the same interval. Resamples in which x or y is constant have no rho and are left
    out. With few pairs the interval is too narrow. If the pairs are in perfect order it is a single point, however few
    pairs there are.

    Degenerate cases: with fewer than 3 pairs, or if x or y is constant, the result is nan.

    Raises:
        ValueError: if x and y differ in length, if a value is not finite, or if the confidence is outside (0, 1).

    Source: Spearman, *The Proof and Measurement of Association between Two Things*, 1904.

    >>> rank_correlation([1, 2, 3, 4], [10, 20, 30, 25]).rho
    0.8
    """
    first, second = _finite("x", x), _finite("y", y)
    n = len(first)
    if len(second) != n:
        raise ValueError(f"y: expected as many values as x, {n}, got {len(second)}; give one pair per run")
    rho = float(_spearman(first, second)) if n >= 3 else math.nan
    interval = (math.nan, math.nan) if math.isnan(rho) else _bootstrap((first, second), _spearman, confidence)
    return RankCorrelation(rho, *interval, n)


def proportion_interval(successes: int, trials: int, *, confidence: float = 0.95) -> Proportion:
    """Fraction and its exact interval, which holds the probabilities that a two-sided binomial test does not reject.

    Degenerate cases: without trials the result is nan. Without successes the interval begins at 0, and without failures
    it ends at 1.

    Raises:
        ValueError: if the successes are outside [0, trials], or if the confidence is outside (0, 1).

    Source: Clopper and Pearson, *The Use of Confidence or Fiducial Limits Illustrated in the Case of the Binomial*,
    Biometrika 1934.

    >>> proportion = proportion_interval(0, 10)
    >>> print(f"{proportion.fraction:.2f} [{proportion.low:.2f}, {proportion.high:.2f}]")
    0.00 [0.00, 0.31]
    """
    if not 0 <= successes <= trials:
        raise ValueError(f"successes: expected 0 to trials, {trials}, got {successes}; count each run once")
    _check_confidence(confidence)
    if not trials:
        return Proportion(math.nan, math.nan, math.nan, 0, 0)
    interval = stats.binomtest(successes, trials).proportion_ci(confidence, method="exact")
    return Proportion(successes / trials, float(interval.low), float(interval.high), successes, trials)


def _bootstrap(
    samples: tuple[np.ndarray, ...], statistic: Callable[..., np.ndarray], confidence: float
) -> tuple[float, float]:
    """Return both ends of the percentile interval."""
    _check_confidence(confidence)
    if len(samples[0]) < 3:
        return math.nan, math.nan
    n = len(samples[0])
    drawn = np.random.default_rng(0).integers(n, size=(RESAMPLES, n))
    resampled = statistic(*(sample[drawn] for sample in samples), axis=-1)
    low, high = np.nanquantile(resampled, [(1 - confidence) / 2, (1 + confidence) / 2])
    return float(low), float(high)


def _spearman(x: np.ndarray, y: np.ndarray, axis: int = -1) -> np.ndarray:
    """Return the correlation of ranks along an axis; it is nan if x or y is constant."""
    ranks = [stats.rankdata(values, axis=axis) for values in (x, y)]
    a, b = (rank - rank.mean(axis=axis, keepdims=True) for rank in ranks)
    spread = np.sqrt((a * a).sum(axis=axis) * (b * b).sum(axis=axis))
    return np.divide((a * b).sum(axis=axis), spread, out=np.full_like(spread, np.nan), where=spread > 0)


def _finite(name: str, values: Iterable[Any]) -> np.ndarray:
    sample = np.fromiter(values, dtype=float)
    if not np.isfinite(sample).all():
        raise ValueError(f"{name}: expected finite values, got {sample[~np.isfinite(sample)][0]}; leave such runs out")
    return sample


def _check_confidence(confidence: float) -> None:
    if not 0 < confidence < 1:
        raise ValueError(f"confidence: expected a number between 0 and 1, got {confidence}; 0.95 is usual")
