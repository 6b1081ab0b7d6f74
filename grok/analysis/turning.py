"""When a measure turned: one causal rule for all of them, so that the steps at which they turn can be compared."""

import math
from collections.abc import Mapping
from typing import Literal, NamedTuple

import numpy as np
import pandas as pd

from grok.columns import NC1, PROTOTYPE_HDR, PROTOTYPE_MIR, SAMPLE_HDR, SAMPLE_MIR, TEST_ACCURACY, TEST_LOSS, interplay

BIN = 0.02
"""Width of a bin as a fraction of the step."""

SPAN = 3
"""Bins over which a change is taken as noise: a walk has gone further by then, independent noise has not."""

NOISE_BINS = 25
"""Bins in a row that a noise is taken from; before so many there is none."""

DEVIATIONS = 5.0
"""Standard deviations of a random walk beyond which a move is no wandering."""

IN_A_ROW = 3
"""Bins that have to agree."""


class Turn(NamedTuple):
    """When a measure was seen to have turned, and from where; None if it never was."""

    detected: int | None
    onset: int | None


class Measure(NamedTuple):
    """What counts as a turn of a measure: its direction, and the least move, in units of its scale."""

    direction: Literal["down", "up"]
    scale: Literal["linear", "log"]
    threshold: float
    title: str


MEASURES: Mapping[str, Measure] = {
    TEST_ACCURACY: Measure("up", "linear", 0.03, "test accuracy itself"),
    TEST_LOSS: Measure("down", "log", 0.1, "test loss"),
    SAMPLE_MIR: Measure("down", "linear", 0.03, "sample MIR, test"),
    SAMPLE_HDR: Measure("up", "linear", 0.03, "sample HDR, test"),
    PROTOTYPE_MIR: Measure("down", "linear", 0.03, "prototype MIR, test"),
    PROTOTYPE_HDR: Measure("up", "linear", 0.03, "prototype HDR, test"),
    interplay("embedding", "mir"): Measure("down", "linear", 0.03, "embedding MIR"),
    interplay("embedding", "hdr"): Measure("up", "linear", 0.03, "embedding HDR"),
    "weight_norm": Measure("down", "log", 0.03, "weight norm"),
    "test/logit_scale": Measure("down", "log", 0.03, "logit scale, test"),
    "fourier/embedding/gini": Measure("up", "linear", 0.03, "Fourier Gini, embedding"),
    "fourier/unembedding/gini": Measure("up", "linear", 0.03, "Fourier Gini, unembedding"),
    "fourier/neurons/gini": Measure("up", "linear", 0.03, "Fourier Gini, neurons"),
    "fourier/restricted_loss": Measure("down", "log", 0.1, "restricted loss"),
    "fourier/excluded_loss": Measure("up", "log", 0.1, "excluded loss"),
    "spectral_entropy/test": Measure("down", "log", 0.03, "spectral entropy, test"),
    "rank/features/test": Measure("down", "log", 0.1, "rank of features, test"),
    "rank/embedding": Measure("down", "log", 0.1, "rank of embedding"),
    NC1: Measure("down", "log", 0.1, "NC1, test"),
}
"""Column of a record -> its turn.

Fractions in [0, 1] turn by 0.03; what has a free scale is taken as a logarithm and turns by 3 % where it is a norm or
an entropy, by 10 % where it ranges over more, as losses, ranks and NC1 do. In the three reference records the noise
from bin to bin is 0.001 at most in fractions and in the logarithms of norms, 0.009 in that of the loss. Test accuracy
is here to be compared with: a measure that does not turn before it tells nothing that accuracy does not.
"""


def turns(metrics: pd.DataFrame, after: int | None) -> dict[str, Turn]:
    """`find_turn` for each of the `MEASURES` in the record, from the step of memorisation; None: it never memorised."""
    found = {}
    for column, measure in MEASURES.items():
        if column in metrics:
            found[column] = Turn(None, None) if after is None else find_turn(metrics, column, measure, after=after)
    return found


def find_turn(metrics: pd.DataFrame, column: str, measure: Measure, *, after: int) -> Turn:
    r"""When a measure turned, by a rule that at every step knows only what was measured until then.

    From step `after` on the measure is cut into bins of 2 % of the step, each the median of its measurements, and its
    noise $\nu$ is the standard deviation of a change over three bins about the trend, the largest that any 25 bins in a
    row before have shown. `onset` is the last bin within $2\nu$ of the measure's extreme so far, and the measure has
    turned when in three bins in a row, the m-th after `onset`, it is further from that extreme than

    $$\text{threshold} + 5 \nu \sqrt{\max(m, 3) / 3},$$

    the least move that is asked and five standard deviations of a random walk with the same noise. `detected` is the
    first measurement after the third bin, which closes it; whatever comes later changes nothing.

    The noise is $1.4826 \operatorname{median}|x_{i-3} - 2 x_i + x_{i+3}| / \sqrt 2$: in second differences a slope
    cancels, and the median passes over steps and spikes. It is what a random walk goes in three bins, and $\sqrt 3$
    standard deviations of independent noise; the largest is kept, for an extreme may date from a louder time. Bins
    without a measurement are left out, so that the schedule hardly matters; so are values that are not finite. A
    logarithm is never below that of the smallest float.

    What it mistakes and misses, with a threshold of 0.03 and 10,000 steps recorded at each, at every 10th or 50th or
    log-spaced: of 1,000 records of independent noise it finds a turn in none, of 1,000 random walks in 16 at most. A
    fall of 0.2 for each factor e in the step from step 1,000 on, measured every 10 steps, is detected at 1,230; under
    independent noise of 0.001 at 1,410, of 0.005 at 6,090 (medians), of 0.01 not at all.

    A measure that has moved from its very first value turns as well: its `onset` is then `after` or soon after.

    Source: this project. The scaled median absolute deviation: Rousseeuw and Croux, *Alternatives to the Median
    Absolute Deviation*, JASA 1993.

    >>> steps = np.arange(100, 10_000, 10)
    >>> metrics = pd.DataFrame({"step": steps, "mir": np.where(steps < 1_000, 0.8, 0.8 - np.log10(steps / 1_000) / 2)})
    >>> find_turn(metrics, "mir", Measure("down", "linear", 0.03, "MIR"), after=140)
    Turn(detected=1230, onset=1000)
    """
    onsets, levels, opened = _bins(metrics, column, measure, after)
    levels = levels[:-1]  # the last bin may yet grow
    n = len(levels)
    if n < NOISE_BINS + IN_A_ROW:
        return Turn(None, None)
    extreme = np.maximum.accumulate(levels)
    noise = _noise(levels)
    near = np.tril(levels >= (extreme - 2 * noise)[:, None])  # [i, j]: at bin i, bin j was within the noise
    onset = n - 1 - near[:, ::-1].argmax(axis=1)
    walk = np.sqrt(np.maximum(np.arange(n) - onset, SPAN) / SPAN)
    beyond = extreme - levels > measure.threshold + DEVIATIONS * noise * walk
    agreed = np.convolve(beyond, np.ones(IN_A_ROW), mode="valid") == IN_A_ROW
    if not agreed.any():
        return Turn(None, None)
    third = int(agreed.argmax()) + IN_A_ROW - 1
    return Turn(detected=int(opened[third + 1]), onset=int(onsets[onset[third]]))


def _bins(
    metrics: pd.DataFrame, column: str, measure: Measure, after: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Last step, level and first step of each bin; the level is turned and scaled so that all measures fall."""
    steps, values = metrics["step"].to_numpy(), metrics[column].to_numpy(dtype=float)
    measured = np.isfinite(values) & (steps >= max(after, 1))
    steps, values = steps[measured], values[measured]
    if measure.scale == "log":
        values = np.log(np.maximum(values, np.finfo(float).tiny))
    if measure.direction == "up":
        values = -values
    bins = np.floor(np.log(steps) / math.log1p(BIN))
    levels = pd.Series(values).groupby(bins).median().to_numpy()
    starts = np.flatnonzero(np.diff(bins, prepend=-1))
    return steps[np.append(starts[1:], len(steps)) - 1] if len(steps) else steps, levels, steps[starts]


def _noise(levels: np.ndarray) -> np.ndarray:
    """At each bin, the noise in the bins before it; infinite while there are fewer than `NOISE_BINS`."""
    bends = pd.Series(np.abs(levels[: -2 * SPAN] - 2 * levels[SPAN:-SPAN] + levels[2 * SPAN :]))
    window = NOISE_BINS - 2 * SPAN
    medians = bends.rolling(window).median().to_numpy()[window - 1 : -1]
    noise = np.full(len(levels), np.inf)
    noise[NOISE_BINS:] = 1.4826 / math.sqrt(2) * np.maximum.accumulate(medians)
    return noise
