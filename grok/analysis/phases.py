"""Selection of the rows of a record by phase: networks on a path, networks at a sparsity, and twins."""

import numpy as np
import pandas as pd
from jaxtyping import Float

from grok.columns import OMEGA, RECOMPUTED, SPARSITY, TEST_LOSS, TWIN

PRUNED, FINE_TUNED = "pruned", "fine-tuned"
"""Stages of a network at a sparsity: directly after pruning, and after fine-tuning."""

STATISTICS = {1.0: "recomputed", 0.0: "interpolated"}
"""Batch statistics of a network between two others, by the value in the column `connectivity/recomputed`."""


def loss_barrier(omegas: Float[np.ndarray, " point"], losses: Float[np.ndarray, " point"]) -> float:
    r"""Loss barrier of two networks: the largest height of the loss on the path above the line between their losses.

    $$\max_\omega \left[ L(\omega) - (1 - \omega) L(0) - \omega L(1) \right]$$

    Here $L(\omega)$ is the loss of the network with weights $(1 - \omega) \theta_1 + \omega \theta_2$. The difference
    is 0 at both ends, so a barrier is never negative. Networks without a barrier are linearly mode connected.

    Shapes: omegas and losses (point,), in any order. Unit: that of the losses.

    Returns: the barrier over the measured points; it is NaN if a loss is NaN.

    Raises:
        ValueError: if 0 or 1 is missing from the omegas, or if an omega lies outside [0, 1].

    Source: Entezari, Sedghi, Saukh and Neyshabur, The Role of Permutation Invariance in Linear Mode Connectivity of
    Neural Networks, ICLR 2022. Frankle, Dziugaite, Roy and Carbin, Linear Mode Connectivity and the Lottery Ticket
    Hypothesis, ICML 2020, take the mean of both losses in place of the line.

    >>> omegas, losses = np.array([0.0, 0.5, 1.0]), np.array([0.25, 2.5, 0.75])
    >>> loss_barrier(omegas, losses)
    2.0
    """
    first, second = np.flatnonzero(omegas == 0), np.flatnonzero(omegas == 1)
    if not (len(first) and len(second)) or omegas.min() < 0 or omegas.max() > 1:
        raise ValueError(f"omegas: expected values from 0 to 1 with both ends, got {omegas.tolist()}")
    line = (1 - omegas) * losses[first[0]] + omegas * losses[second[0]]
    return float((losses - line).max())


def networks_between(metrics: pd.DataFrame, *, steps: int) -> pd.DataFrame:
    """Return the rows of a record, in order, that measure the networks on the path between two networks.

    `metrics` is indexed by step. In the earlier rows each of the two networks is trained for `steps` steps. There are
    no rows if no omega was measured.
    """
    if not {OMEGA, RECOMPUTED} <= set(metrics):
        return metrics.iloc[:0]
    return metrics.loc[metrics.index >= 2 * steps].dropna(subset=[OMEGA, RECOMPUTED])


def barrier_of_test_loss(line: pd.DataFrame) -> float:
    """Return the `loss_barrier` of the test loss in rows with one kind of batch statistics.

    It is NaN unless both ends were measured.
    """
    measured = line.dropna(subset=[TEST_LOSS]) if TEST_LOSS in line else line.iloc[:0]
    if not {0.0, 1.0} <= set(measured[OMEGA]):
        return float("nan")
    return loss_barrier(measured[OMEGA].to_numpy(), measured[TEST_LOSS].to_numpy())


def at_omega(line: pd.DataFrame, column: str, omega: float) -> float:
    """Return the value of a column at this omega in rows with one kind of batch statistics; NaN if there is none."""
    found = line.loc[line[OMEGA] == omega, column] if column in line else pd.Series(dtype=float)
    return float(found.iloc[0]) if len(found) else float("nan")


def pruning_stages(metrics: pd.DataFrame, *, steps: int, fine_tune_steps: int, sparsities: int) -> pd.DataFrame:
    """Return the rows of a record that measure a network directly after pruning or after fine-tuning.

    `metrics` is indexed by step. It has a training of `steps` steps, and then for each of the `sparsities` a row
    directly after pruning and `fine_tune_steps` further rows. The result has a column `stage`: first come the pruned
    networks, then the fine-tuned ones. There are no rows if no sparsity was measured.
    """
    first = steps + (fine_tune_steps + 1) * pd.RangeIndex(sparsities)
    measured = metrics.dropna(subset=[SPARSITY]) if SPARSITY in metrics else metrics.iloc[:0]
    stages = {PRUNED: first, FINE_TUNED: first + fine_tune_steps}
    return pd.concat([measured[measured.index.isin(at)].assign(stage=stage) for stage, at in stages.items()])


def trainings(metrics: pd.DataFrame) -> list[pd.DataFrame]:
    """Return the rows of each training, with the steps counted from its beginning; without a twin there is one part.

    `metrics` has a column `step`. If there is a twin it also has the column `TWIN`, which is measured at the first step
    of each training and later.

    >>> record = pd.DataFrame({"step": [0, 5, 10, 15], TWIN: [0.0, None, 1.0, None]})
    >>> [part["step"].tolist() for part in trainings(record)]
    [[0, 5], [0, 5]]
    """
    twins = metrics.loc[metrics[TWIN] == 1, "step"] if TWIN in metrics else metrics["step"].iloc[:0]
    if twins.empty:
        return [metrics]
    first = int(twins.iloc[0])
    before = metrics["step"] < first
    return [metrics[before], metrics[~before].assign(step=metrics.loc[~before, "step"] - first)]
