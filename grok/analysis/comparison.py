"""Comparison of two kinds of training over the same seeds by the step of grokking and the final test accuracy."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import stats

from grok.analysis.statistics import PairedDifference, paired_difference
from grok.columns import TEST_ACCURACY


@dataclass(frozen=True, kw_only=True)
class Outcomes:
    """Outcomes of trainings that differ only in the seed, for the seeds at which test accuracy was measured."""

    steps: dict[int, float]
    """Step at which the training grokked, by seed; it is infinite for a training that did not."""
    accuracies: dict[int, float]
    """Final test accuracy, by seed."""
    lost: int = 0
    """Number of trainings whose test accuracy fell below 90 % after they had grokked, as `events` defines it."""

    @property
    def median(self) -> float:
        """Median step of grokking over the seeds."""
        return float(np.median(list(self.steps.values())))


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """Comparison of two trainings over pairs of runs with the same seed."""

    earlier: int
    """Number of pairs in which the first training grokked earlier. A run that never grokked counts as later."""
    later: int
    """Number of pairs in which the first training grokked later."""
    ratio: float
    """Median ratio of the two steps over pairs in which both grokked; NaN if there are none."""
    p: float
    """P value of the two-sided sign test over the pairs whose steps differ; NaN if there are none."""
    accuracy: PairedDifference
    """Difference of the final test accuracies."""


def outcomes(summaries: Mapping[int, Mapping[str, Any]]) -> Outcomes:
    """Collect the outcomes from summaries of runs, by seed."""
    measured = {seed: summary for seed, summary in summaries.items() if TEST_ACCURACY in summary.get("last", {})}
    grokked = {seed: summary["events"]["grokked"] for seed, summary in measured.items()}
    return Outcomes(
        steps={seed: math.inf if step is None else float(step) for seed, step in grokked.items()},
        accuracies={seed: summary["last"][TEST_ACCURACY] for seed, summary in measured.items()},
        lost=sum(summary["events"].get("ungrokked") is not None for summary in measured.values()),
    )


def compare(these: Outcomes, others: Outcomes) -> Comparison:
    """Compare the outcomes of a training with those of another training over the seeds that both have.

    >>> plain = Outcomes(steps={0: 400.0, 1: math.inf}, accuracies={0: 1.0, 1: 0.5})
    >>> found = compare(Outcomes(steps={1: 300.0, 0: 200.0}, accuracies={1: 1.0, 0: 1.0}), plain)
    >>> found.earlier, found.later, found.ratio, found.accuracy.mean
    (2, 0, 0.5, 0.25)
    """
    seeds = sorted(these.steps.keys() & others.steps.keys())
    pairs = [(these.steps[seed], others.steps[seed]) for seed in seeds]
    earlier = sum(a < b for a, b in pairs)
    later = sum(a > b for a, b in pairs)
    both = [a / b for a, b in pairs if math.isfinite(a) and math.isfinite(b)]
    return Comparison(
        earlier=earlier,
        later=later,
        ratio=float(np.median(both)) if both else math.nan,
        p=float(stats.binomtest(earlier, earlier + later).pvalue) if earlier + later else math.nan,
        accuracy=paired_difference(these.accuracies[seed] - others.accuracies[seed] for seed in seeds),
    )
