"""How high the loss rises on the line between two networks."""

import numpy as np
from jaxtyping import Float


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
