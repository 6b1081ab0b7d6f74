"""The Gram matrix of unit vectors, on which every measure here is defined, and centring, which changes them all."""

from jaxtyping import Float, Shaped
from torch import Tensor

from grok.information.checks import check_vectors
from grok.information.precision import outside_autocast


@outside_autocast
def gram(vectors: Shaped[Tensor, "..."]) -> Float[Tensor, "*batch n n"]:
    r"""Gram matrix $G = Z Z^\top$ of the rows of `vectors`, each scaled to unit length: their cosines.

    Nothing is centred: a common offset counts as a direction that all vectors share. `gram(centre(vectors))` is the
    Gram matrix about the mean.

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


def centre(vectors: Shaped[Tensor, "..."]) -> Float[Tensor, "*batch n d"]:
    r"""The vectors minus their mean, $z_i - \frac1n \sum_j z_j$: what is left when a common offset says nothing.

    Centring decides what is measured, so it is never done unasked. It turns the class means of neural collapse into a
    simplex frame (the `prototype` pairing), and it is what an offset hides: below, a rotated copy of 200 random
    vectors has the entropy of the original, HDR 0; with 3 added to every entry of the copy, HDR is 0.81, because one
    direction outweighs the rest; centred, it is 0.0001, what the mean of 200 random vectors weighs.

    Shapes: (..., n, d) -> (..., n, d).

    Raises:
        ValueError: as `gram`. A vector at the mean becomes zero, which `gram` then refuses.

    >>> import torch
    >>> from grok.information import gram, hdr
    >>> vectors = torch.randn(200, 32, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    >>> copy = vectors.flip(-1)
    >>> for other in (copy, copy + 3, centre(copy + 3)):
    ...     print(f"{hdr(gram(vectors), gram(other)).item():.4f}")
    0.0000
    0.8101
    0.0001
    """
    check_vectors("vectors", vectors)
    return vectors - vectors.mean(dim=-2, keepdim=True)


def unit_rows(vectors: Float[Tensor, "*batch n d"]) -> Float[Tensor, "*batch n d"]:
    """The rows scaled to unit length; divided by the largest entry first, so that no square over- or underflows."""
    scaled = vectors / vectors.detach().abs().amax(dim=-1, keepdim=True)
    return scaled / scaled.norm(dim=-1, keepdim=True)
