"""Matrix entropy and effective rank: how many directions a set of vectors really uses."""

from collections.abc import Sequence

import torch
from jaxtyping import Float, Shaped
from torch import Tensor

from grok.information.checks import check_gram, check_vectors
from grok.information.gram import unit_rows
from grok.information.precision import outside_autocast

SMALL = 256  # largest size of matrices that `density_entropies` computes together


def matrix_entropy(matrix: Shaped[Tensor, "..."]) -> Float[Tensor, "*batch"]:
    r"""Entropy of a Gram matrix $K$: $H(K) = -\operatorname{tr}[(K/n) \log (K/n)] = -\sum_i \lambda_i \log\lambda_i$.

    Here $\lambda_i$ are the eigenvalues of $K/n$, which sum to 1. By convention $0 \log 0 = 0$, and no eigenvalue is
    moved away from zero. $\exp H$ counts the directions in use, from 1 (all vectors parallel) to n (all orthogonal).

    Shapes: (..., n, n) -> (...). Units: nats, in [0, log n].

    Raises:
        ValueError: if the matrix is not square, not symmetric or not finite, or if its diagonal is not 1.

    Source: Song et al., ICML 2024, definition 3.1. This is the von Neumann entropy of the density matrix $K/n$.

    >>> import torch
    >>> matrix_entropy(torch.eye(4))        # four orthogonal vectors: log 4
    tensor(1.3863)
    """
    check_gram("matrix", matrix)
    return density_entropy(matrix / matrix.shape[-1])


@outside_autocast
def gram_entropy(vectors: Shaped[Tensor, "..."]) -> Float[Tensor, "*batch"]:
    r"""Return `matrix_entropy(gram(vectors))`, computed from the smaller of the n×n and the d×d matrix.

    $Z Z^\top$ and $Z^\top Z$ share their non-zero eigenvalues, so 10,000 samples of 128 features cost an
    eigendecomposition of size 128.

    Shapes: (..., n, d) -> (...). Units: nats, in [0, log min(n, d)].

    Raises:
        ValueError: if `gram` would reject the vectors.

    >>> import torch
    >>> gram_entropy(torch.tensor([[1.0, 0.0], [0.0, 2.0], [5.0, 0.0], [0.0, 3.0]]))     # log 2
    tensor(0.6931)
    """
    check_vectors("vectors", vectors)
    return unit_rows_entropy(unit_rows(vectors))


def exp_entropy(vectors: Shaped[Tensor, "..."]) -> Float[Tensor, "*batch"]:
    r"""Number of directions that the unit vectors use, $\exp H(G)$ of their Gram matrix G: a proxy for the rank.

    It is at most the rank, and equals the rank if all non-zero eigenvalues are equal. Like all measures here it does
    not centre the vectors. `exp_entropy(centre(vectors))` leaves out the direction that all vectors share.

    Shapes: (..., n, d) -> (...). Units: a number of directions, in [1, min(n, d)].

    Raises:
        ValueError: if `gram` would reject the vectors.

    Source: Song et al., ICML 2024, section 4.2.

    >>> import torch
    >>> exp_entropy(torch.tensor([[1.0, 0.0], [0.0, 2.0], [5.0, 0.0], [0.0, 3.0]]))
    tensor(2.)
    """
    return gram_entropy(vectors).exp()


def effective_rank(vectors: Shaped[Tensor, "..."]) -> Float[Tensor, "*batch"]:
    r"""Effective rank: $\exp(-\sum_i p_i \log p_i)$ with $p_i = \sigma_i / \sum_j \sigma_j$ over the singular values.

    Unlike `exp_entropy` it keeps the lengths of the vectors, and it uses singular values in place of their squares. It
    does not centre the vectors: a large common offset brings it near 1. `effective_rank(centre(vectors))` gives the
    effective rank about the mean.

    Shapes: (..., n, d) -> (...). Units: a number of dimensions, in [1, min(n, d)].

    Raises:
        ValueError: if `gram` would reject the vectors.

    Source: Roy & Vetterli, The effective rank: a measure of effective dimensionality, EUSIPCO 2007.

    >>> import torch
    >>> effective_rank(torch.eye(5)).round()
    tensor(5.)
    """
    check_vectors("vectors", vectors)
    singular_values = torch.linalg.svdvals(vectors)
    return shannon_entropy(singular_values / singular_values.sum(dim=-1, keepdim=True)).exp()


def density_entropies(densities: Sequence[Tensor]) -> list[Tensor]:
    """Return the `density_entropy` of each of several matrices or batches of matrices.

    Small ones of equal shape are computed together, since each operation on them costs more than a copy.
    """
    shapes = [density.shape if density.shape[-1] <= SMALL else None for density in densities]
    entropies: list[Tensor] = [torch.empty(0)] * len(densities)
    for shape in dict.fromkeys(shapes):
        places = [place for place, each in enumerate(shapes) if each == shape]
        chosen = [densities[place] for place in places]
        found = map(density_entropy, chosen) if shape is None else density_entropy(torch.stack(chosen)).unbind()
        for place, entropy in zip(places, found, strict=True):
            entropies[place] = entropy
    return entropies


def unit_rows_entropy(unit: Float[Tensor, "*batch n d"]) -> Float[Tensor, "*batch"]:
    """Entropy in nats of the Gram matrix of unit vectors, computed from its smaller side; nothing is checked."""
    return density_entropy(unit_rows_density(unit))


def unit_rows_density(unit: Float[Tensor, "*batch n d"]) -> Float[Tensor, "*batch side side"]:
    """Return the smaller of the two matrices that have the eigenvalues of the Gram matrix of unit vectors over n."""
    return smaller_side(unit) / unit.shape[-2]


def weighted_rows_entropy(rows: Float[Tensor, "*batch n d"]) -> Float[Tensor, "*batch"]:
    r"""Entropy in nats of $A A^\top$, computed from its smaller side.

    The squared lengths of the rows of A must sum to 1; nothing is checked.
    """
    return density_entropy(smaller_side(rows))


def rank_of_spectrum(eigenvalues: Float[Tensor, "*batch n"]) -> Float[Tensor, "*batch"]:
    """Effective rank from the squares of the singular values, or from a multiple of them; nothing is checked.

    A rounding error ε of the largest eigenvalue becomes a singular value of √ε. In float64 this changes the rank by at
    most 1e-6 of its value.
    """
    singular_values = eigenvalues.clamp(min=0).sqrt()
    return shannon_entropy(singular_values / singular_values.sum(dim=-1, keepdim=True)).exp()


def density_entropy(density: Float[Tensor, "*batch n n"]) -> Float[Tensor, "*batch"]:
    """Entropy in nats of a symmetric positive semi-definite matrix of trace 1; nothing is checked.

    Samples of weight 0 and inactive neurons give rows of zeros. If there are many of them, LAPACK fails in float32 or
    returns NaN eigenvalues. Their diagonal entries are therefore set to the mean of the other eigenvalues, and the
    entropy of these entries is subtracted.
    """
    zero = density.diagonal(dim1=-2, dim2=-1) == 0
    mean = 1 / (~zero).sum(dim=-1, keepdim=True).clamp(min=1).to(density.dtype)
    filled = torch.where(zero, mean, 0.0)
    return shannon_entropy(torch.linalg.eigvalsh(density + torch.diag_embed(filled))) - shannon_entropy(filled)


def shannon_entropy(probabilities: Float[Tensor, "*batch n"]) -> Float[Tensor, "*batch"]:
    """Shannon entropy -Σ p log p in nats.

    Zeros, and the negative values that rounding leaves in a spectrum, add nothing to the value or to the gradient.
    """
    positive = torch.where(probabilities <= 0, 1.0, probabilities)  # this comparison keeps NaN
    return -(positive * positive.log()).sum(dim=-1)


def smaller_side(rows: Float[Tensor, "*batch n d"]) -> Float[Tensor, "*batch side side"]:
    """Return the smaller of AᵀA and AAᵀ, which have the same non-zero eigenvalues."""
    n, d = rows.shape[-2:]
    return rows.mT @ rows if d < n else rows @ rows.mT
