"""The Gram matrix of unit vectors, on which every measure here is defined."""

from jaxtyping import Float, Shaped
from torch import Tensor

from grok.information.checks import check_vectors


def gram(vectors: Shaped[Tensor, "..."]) -> Float[Tensor, "*batch n n"]:
    r"""Gram matrix $G = Z Z^\top$ of the rows of `vectors`, each scaled to unit length: their cosines.

    Nothing is centred: a common offset counts as a direction that all vectors share. Subtract the mean first where
    that is not meant.

    Shapes: (..., n, d) -> (..., n, n), float32 or float64, unit diagonal, positive semi-definite.

    Raises:
        ValueError: fewer than two dimensions, a number that is not finite, or a zero vector.

    Source: Song et al., ICML 2024, section 3.

    >>> import torch
    >>> gram(torch.tensor([[3.0, 0.0], [1.0, 1.0]]))
    tensor([[1.0000, 0.7071],
            [0.7071, 1.0000]])
    """
    check_vectors("vectors", vectors)
    unit = unit_rows(vectors)
    return unit @ unit.mT


def unit_rows(vectors: Float[Tensor, "*batch n d"]) -> Float[Tensor, "*batch n d"]:
    """The rows scaled to unit length; divided by the largest entry first, so that no square over- or underflows."""
    scaled = vectors / vectors.detach().abs().amax(dim=-1, keepdim=True)
    return scaled / scaled.norm(dim=-1, keepdim=True)
