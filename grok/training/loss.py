"""The training loss."""

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor

IGNORED = -100  # target of a sample that only pads a split


def cross_entropy(
    logits: Float[Tensor, "sample class"], targets: Int[Tensor, "sample"], dtype: torch.dtype = torch.float64
) -> Float[Tensor, ""]:
    """Mean cross-entropy in nats, computed and returned in `dtype`; the gradient comes back in the logits' dtype.

    In float32 the loss of a fitted network underflows to exactly 0 below about 1e-7, its gradient with it. Samples
    whose target is `IGNORED` are left out.

    >>> cross_entropy(torch.zeros(3, 4), torch.tensor([0, 1, IGNORED]))      # log 4
    tensor(1.3863, dtype=torch.float64)
    """
    return F.cross_entropy(logits.to(dtype), targets, ignore_index=IGNORED)
