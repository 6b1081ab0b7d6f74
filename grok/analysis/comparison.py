"""Two kinds of training with the same seeds: which of them groks earlier, and which ends more accurate."""

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
    """What trainings that differ in the seed alone came to, where test accuracy was measured."""

    steps: dict[int, float]
    """Seed to the step at which it grokked, infinite where it did not in its time."""
    accuracies: dict[int, float]
    """Seed to the test accuracy at its end."""
    lost: int = 0
    """How many grokked and lost it again, as `events` has it: test accuracy below 90 %."""

    @property
    def median(self) -> float:
        """Of the steps."""
        return float(np.median(list(self.steps.values())))


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """What trainings came to beside others, in pairs of the same seed."""

    earlier: int
    """Pairs in which it grokked earlier; one that never did is later than any that did."""
    later: int
    """Pairs in which it grokked later."""
    ratio: float
    """The median ratio of the steps, of pairs that both grokked; NaN if none did."""
    p: float
    """How rare so many on one side are by chance: the sign test, of the pairs that differ; NaN if none does."""
    accuracy: PairedDifference
    """Of the test accuracies at the end."""


def outcomes(summaries: Mapping[int, Mapping[str, Any]]) -> Outcomes:
    """The outcomes that summaries of runs tell, by seed."""
    measured = {seed: summary for seed, summary in summaries.items() if TEST_ACCURACY in summary.get("last", {})}
    grokked = {seed: summary["events"]["grokked"] for seed, summary in measured.items()}
    return Outcomes(
        steps={seed: math.inf if step is None else float(step) for seed, step in grokked.items()},
        accuracies={seed: summary["last"][TEST_ACCURACY] for seed, summary in measured.items()},
        lost=sum(summary["events"].get("ungrokked") is not None for summary in measured.values()),
    )


def compare(these: Outcomes, others: Outcomes) -> Comparison:
    """The first beside the second.

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
