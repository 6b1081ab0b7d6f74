"""The training losses, by their names in the config."""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor

IGNORED = -100  # target of the samples that pad a split

Criterion = Callable[[Tensor, Tensor], Tensor]
"""Returns the mean loss of logits of shape (sample, C) and target classes; targets `IGNORED` are left out."""


def cross_entropy(
    logits: Float[Tensor, "sample class"],
    targets: Int[Tensor, "sample"],
    dtype: torch.dtype = torch.float64,
    label_smoothing: float = 0.0,
) -> Float[Tensor, ""]:
    """Return the mean cross-entropy in nats, computed in `dtype`; the gradient has the dtype of the logits.

    With label smoothing e, the target is (1 - e)·y + e/C, with y one-hot (Szegedy et al., CVPR 2016). In float32, the
    loss of a fitted network underflows to exactly 0 below about 1e-7, and its gradient does too. Samples whose target
    is `IGNORED` are left out.

    >>> cross_entropy(torch.zeros(3, 4), torch.tensor([0, 1, IGNORED]))      # log 4
    tensor(1.3863, dtype=torch.float64)
    """
    return F.cross_entropy(logits.to(dtype), targets, ignore_index=IGNORED, label_smoothing=label_smoothing)


def stablemax_cross_entropy(
    logits: Float[Tensor, "sample class"], targets: Int[Tensor, "sample"], dtype: torch.dtype = torch.float64
) -> Float[Tensor, ""]:
    r"""Return the mean of $-\log p_y$ in nats, where StableMax $p_c = s(x_c) / \sum_k s(x_k)$ replaces softmax.

    Here $s(x) = x + 1$ for $x \ge 0$ and $1 / (1 - x)$ below. It grows linearly where the exponential overflows, so
    that large logits neither absorb the others nor lower the loss by much. StableMax is computed as the softmax of
    $\log s$. Precision and `IGNORED` work as in `cross_entropy`.

    >>> stablemax_cross_entropy(torch.tensor([[2.0, -1.0, 0.0]]), torch.tensor([0]))     # log(4.5 / 3)
    tensor(0.4055, dtype=torch.float64)

    Source: Prieto, Barsbey, Mediano and Birdal, Grokking at the Edge of Numerical Stability, ICLR 2025.
    """
    logits = logits.to(dtype)
    rise, fall = logits.clamp(min=0).log1p(), (-logits).clamp(min=0).log1p()
    return F.cross_entropy(torch.where(logits >= 0, rise, -fall), targets, ignore_index=IGNORED)


LOSSES = {"cross_entropy": cross_entropy, "stablemax": stablemax_cross_entropy}
