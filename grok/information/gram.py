"""The Gram matrix of unit vectors, on which every measure here is defined, and centring, which changes the measures."""

from jaxtyping import Float, Shaped
from torch import Tensor

from grok.information.checks import check_vectors
from grok.information.precision import outside_autocast


@outside_autocast
def gram(vectors: Shaped[Tensor, "..."]) -> Float[Tensor, "*batch n n"]:
    r"""Gram matrix $G = Z Z^\top$ of the rows of `vectors`, each scaled to unit length: the matrix of their cosines.

    The vectors are not centred: a common offset counts as a direction that all vectors share. `gram(centre(vectors))`
    is the Gram matrix about the mean.

    Shapes: (..., n, d) -> (..., n, n), float32 or float64, unit diagonal, positive semi-definite.

    Raises:
        ValueError: if the tensor has fewer than two axes, a number that is not finite, or a zero vector.

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
    r"""Return the vectors minus their mean, $z_i - \frac1n \sum_j z_j$, for offsets that carry no information.

    Centring changes what is measured, so no measure centres its vectors by itself. Centring turns the class means of
    neural collapse into a simplex frame (the `prototype` pairing). It also reveals what an offset hides. In the example
    below, reversing the coordinates of 200 random vectors leaves their entropy unchanged, so HDR is 0. With 3 added to
    every entry of the copy, one direction outweighs the rest and HDR is 0.81. Centring the copy brings HDR to 0.0001,
    which is due to the mean of the 200 random vectors.

    Shapes: (..., n, d) -> (..., n, d).

    Raises:
        ValueError: if `gram` would reject the vectors. A vector equal to the mean becomes zero, and `gram` rejects it.

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
    """Return the rows scaled to unit length.

    Each row is first divided by its largest entry, so that no square overflows or underflows.
    """
    scaled = vectors / vectors.detach().abs().amax(dim=-1, keepdim=True)
    return scaled / scaled.norm(dim=-1, keepdim=True)
