"""How high the loss rises on the line between two networks."""

import numpy as np
import pandas as pd
from jaxtyping import Float

from grok.tracking.record import OMEGA, RECOMPUTED

STATISTICS = {1.0: "recomputed", 0.0: "interpolated"}
"""What became of the batch statistics of a network between, by the value in the column `connectivity/recomputed`."""


def loss_barrier(omegas: Float[np.ndarray, " point"], losses: Float[np.ndarray, " point"]) -> float:
    r"""Loss barrier of two networks: how far the loss between them is above the line between their own losses.

    $$\max_\omega \left[ L(\omega) - (1 - \omega) L(0) - \omega L(1) \right]$$

    with $L(\omega)$ the loss of the network with weights $(1 - \omega) \theta_1 + \omega \theta_2$. At the ends the
    difference is 0, so a barrier is never negative. Networks without one are linearly mode connected.

    Shapes: omegas and losses (point,), in any order. Unit: that of the losses.

    Returns: the barrier at the points that were measured; NaN if a loss is.

    Raises:
        ValueError: omegas that have not 0 and 1 among them, or that lie outside [0, 1].

    Source: Frankle, Dziugaite, Roy and Carbin, Linear Mode Connectivity and the Lottery Ticket Hypothesis, ICML 2020,
    who take the mean of both losses in place of the line; with the line, Entezari, Sedghi, Saukh and Neyshabur, The
    Role of Permutation Invariance in Linear Mode Connectivity of Neural Networks, ICLR 2022.

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
    """The rows of a record that measure the networks between two, in order; none where no omega was measured.

    `metrics` is indexed by step. In the rows before, either network is trained for so many `steps`.
    """
    if not {OMEGA, RECOMPUTED} <= set(metrics):
        return metrics.iloc[:0]
    return metrics.loc[metrics.index >= 2 * steps].dropna(subset=[OMEGA, RECOMPUTED])


def barrier_of_test_loss(line: pd.DataFrame) -> float:
    """`loss_barrier` of the test loss in rows of one kind of batch statistics; NaN unless both ends were measured."""
    measured = line.dropna(subset=["test/loss"]) if "test/loss" in line else line.iloc[:0]
    if not {0.0, 1.0} <= set(measured[OMEGA]):
        return float("nan")
    return loss_barrier(measured[OMEGA].to_numpy(), measured["test/loss"].to_numpy())


def at_omega(line: pd.DataFrame, column: str, omega: float) -> float:
    """What was measured at this omega in rows of one kind of batch statistics; NaN if nothing was."""
    found = line.loc[line[OMEGA] == omega, column] if column in line else pd.Series(dtype=float)
    return float(found.iloc[0]) if len(found) else float("nan")
