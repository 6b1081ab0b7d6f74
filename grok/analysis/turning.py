"""One causal rule that detects when a measure turned, so that the turns of different measures can be compared."""

import math
from collections.abc import Mapping
from typing import Literal, NamedTuple

import numpy as np
import pandas as pd

from grok.columns import (
    EXCLUDED_LOSS,
    NC1,
    PROTOTYPE_HDR,
    PROTOTYPE_MIR,
    RESTRICTED_LOSS,
    SAMPLE_HDR,
    SAMPLE_MIR,
    TEST_ACCURACY,
    TEST_LOSS,
    WEIGHT_NORM,
    fourier,
    interplay,
    logit_scale,
    rank,
    spectral_entropy,
)

BIN = 0.02
"""Width of a bin as a fraction of the step."""

SPAN = 3
"""Number of bins over which a change counts as noise; a random walk grows over them, independent noise does not."""

NOISE_BINS = 25
"""Number of consecutive bins from which the noise is estimated. Before that many bins it is unknown."""

DEVIATIONS = 5.0
"""Number of standard deviations of a random walk that a move must exceed."""

IN_A_ROW = 3
"""Number of consecutive bins that must agree."""


class Turn(NamedTuple):
    """The step at which the turn of a measure was detected, and the step of its onset; both are None without a turn."""

    detected: int | None
    onset: int | None


class Measure(NamedTuple):
    """Definition of a turn of a measure: its direction, and the smallest move, in units of its scale."""

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
    WEIGHT_NORM: Measure("down", "log", 0.03, "weight norm"),
    logit_scale("test"): Measure("down", "log", 0.03, "logit scale, test"),
    fourier("embedding", "gini"): Measure("up", "linear", 0.03, "Fourier Gini, embedding"),
    fourier("unembedding", "gini"): Measure("up", "linear", 0.03, "Fourier Gini, unembedding"),
    fourier("neurons", "gini"): Measure("up", "linear", 0.03, "Fourier Gini, neurons"),
    RESTRICTED_LOSS: Measure("down", "log", 0.1, "restricted loss"),
    EXCLUDED_LOSS: Measure("up", "log", 0.1, "excluded loss"),
    spectral_entropy("test"): Measure("down", "log", 0.03, "spectral entropy, test"),
    rank("features", "test"): Measure("down", "log", 0.1, "rank of features, test"),
    rank("embedding"): Measure("down", "log", 0.1, "rank of embedding"),
    NC1: Measure("down", "log", 0.1, "NC1, test"),
}
"""Definition of a turn for each column of a record.

Fractions in [0, 1] turn by 0.03. Measures with a free scale are taken as logarithms. Norms and entropies turn by 3 %.
Losses, ranks and NC1 have larger ranges and turn by 10 %. In the three reference records, the noise from bin to bin is
at most 0.001 in fractions and in logarithms of norms, and 0.009 in the logarithm of the loss. Test accuracy is included
for comparison: a measure that does not turn before it carries no earlier information.
"""


def turns(metrics: pd.DataFrame, after: int | None) -> dict[str, Turn]:
    """Return `find_turn` of each of the `MEASURES` in the record, from the step of memorisation `after` on.

    If the run never memorised, `after` is None and no measure has turned.
    """
    found = {}
    for column, measure in MEASURES.items():
        if column in metrics:
            found[column] = Turn(None, None) if after is None else find_turn(metrics, column, measure, after=after)
    return found


def find_turn(metrics: pd.DataFrame, column: str, measure: Measure, *, after: int) -> Turn:
    r"""Find when a measure turned, by a rule that at every step uses only earlier measurements.

    From step `after` on, the measure is cut into bins of 2 % of the step. The level of a bin is the median of its
    measurements. The noise $\nu$ is the standard deviation of a change over three bins about the trend; the largest
    value in any 25 consecutive earlier bins counts. `onset` is the last bin within $2\nu$ of the measure's extreme so
    far. The m-th bin after `onset` is beyond the noise if its distance from that extreme exceeds

    $$\text{threshold} + 5 \nu \sqrt{\max(m, 3) / 3}.$$

    This is the smallest move that counts plus five standard deviations of a random walk with the same noise. The
    measure has turned when three consecutive bins are beyond the noise. `detected` is the first measurement after the
    third of them, which closes that bin. Later measurements do not change the result.

    The noise is $1.4826 \operatorname{median}|x_{i-3} - 2 x_i + x_{i+3}| / \sqrt 2$. In second differences a slope
    cancels, and the median ignores steps and spikes. The noise of a random walk is its standard deviation over three
    bins. For independent noise it is $\sqrt 3$ standard deviations. The largest value is kept because an extreme may
    date from a noisier time. Bins without a measurement are left out, so that the schedule hardly matters, and so are
    values that are not finite. A logarithm is never below that of the smallest float.

    The rule was tested with a threshold of 0.03 on records of 10,000 steps with several schedules. These were every
    step, every 10th, every 50th and log-spaced steps. The rule found a turn in none of 1,000 records of independent
    noise, and in at most 16 of 1,000 random walks. A measure that falls by 0.2 per factor e in the step from step 1,000
    on, measured every 10 steps, is detected at step 1,230. With independent noise of 0.001 the median detection is at
    1,410, and with 0.005 at 6,090. With 0.01 the turn is not detected.

    A measure that moves from its first value on turns as well. Its `onset` is then `after` or soon after it.

    Source: this project. For the scaled median absolute deviation see Rousseeuw and Croux, *Alternatives to the Median
    Absolute Deviation*, JASA 1993.

    >>> steps = np.arange(100, 10_000, 10)
    >>> metrics = pd.DataFrame({"step": steps, "mir": np.where(steps < 1_000, 0.8, 0.8 - np.log10(steps / 1_000) / 2)})
    >>> find_turn(metrics, "mir", Measure("down", "linear", 0.03, "MIR"), after=140)
    Turn(detected=1230, onset=1000)
    """
    onsets, levels, opened = _bins(metrics, column, measure, after)
    levels = levels[:-1]  # the last bin may still grow
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
    """Return the last step, level and first step of each bin; levels are scaled so that a turn is always a fall."""
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
    """Return at each bin the noise of the bins before it, which is infinite before `NOISE_BINS` bins."""
    bends = pd.Series(np.abs(levels[: -2 * SPAN] - 2 * levels[SPAN:-SPAN] + levels[2 * SPAN :]))
    window = NOISE_BINS - 2 * SPAN
    medians = bends.rolling(window).median().to_numpy()[window - 1 : -1]
    noise = np.full(len(levels), np.inf)
    noise[NOISE_BINS:] = 1.4826 / math.sqrt(2) * np.maximum.accumulate(medians)
    return noise
