"""Matrix entropy and effective rank: how many directions a set of vectors really uses."""

import torch
from jaxtyping import Float, Shaped
from torch import Tensor

from grok.information.checks import check_gram, check_vectors
from grok.information.gram import unit_rows
from grok.information.precision import outside_autocast


def matrix_entropy(matrix: Shaped[Tensor, "..."]) -> Float[Tensor, "*batch"]:
    r"""Entropy of a Gram matrix $K$: $H(K) = -\operatorname{tr}[(K/n) \log (K/n)] = -\sum_i \lambda_i \log\lambda_i$.

    $\lambda_i$ are the eigenvalues of $K/n$, which sum to 1; $0 \log 0 = 0$ and no eigenvalue is moved away from
    zero. $\exp H$ counts the directions in use, from 1 (all vectors parallel) to n (all orthogonal).

    Shapes: (..., n, n) -> (...). Units: nats, in [0, log n].

    Raises:
        ValueError: not square, not symmetric, not finite, or a diagonal that is not 1.

    Source: Song et al., ICML 2024, definition 3.1; von Neumann entropy of the density matrix $K/n$.

    >>> import torch
    >>> matrix_entropy(torch.eye(4))        # four orthogonal vectors: log 4
    tensor(1.3863)
    """
    check_gram("matrix", matrix)
    return density_entropy(matrix / matrix.shape[-1])


@outside_autocast
def gram_entropy(vectors: Shaped[Tensor, "..."]) -> Float[Tensor, "*batch"]:
    r"""`matrix_entropy(gram(vectors))`, from the smaller of the n×n and the d×d side.

    $Z Z^\top$ and $Z^\top Z$ share their non-zero eigenvalues, so 10,000 samples of 128 features cost an
    eigendecomposition of size 128.

    Shapes: (..., n, d) -> (...). Units: nats, in [0, log min(n, d)].

    Raises:
        ValueError: as `gram`.

    >>> import torch
    >>> gram_entropy(torch.tensor([[1.0, 0.0], [0.0, 2.0], [5.0, 0.0], [0.0, 3.0]]))     # log 2
    tensor(0.6931)
    """
    check_vectors("vectors", vectors)
    return unit_rows_entropy(unit_rows(vectors))


def exp_entropy(vectors: Shaped[Tensor, "..."]) -> Float[Tensor, "*batch"]:
    r"""$\exp H(G)$ of the vectors' Gram matrix: how many directions their unit vectors use; a proxy for the rank.

    At most the rank, with equality where all non-zero eigenvalues are equal. Like all measures here it is not centred:
    `exp_entropy(centre(vectors))` leaves out the direction that all vectors share.

    Shapes: (..., n, d) -> (...). Units: a number of directions, in [1, min(n, d)].

    Raises:
        ValueError: as `gram`.

    Source: Song et al., ICML 2024, section 4.2.

    >>> import torch
    >>> exp_entropy(torch.tensor([[1.0, 0.0], [0.0, 2.0], [5.0, 0.0], [0.0, 3.0]]))
    tensor(2.)
    """
    return gram_entropy(vectors).exp()


def effective_rank(vectors: Shaped[Tensor, "..."]) -> Float[Tensor, "*batch"]:
    r"""Effective rank: $\exp(-\sum_i p_i \log p_i)$ with $p_i = \sigma_i / \sum_j \sigma_j$ over the singular values.

    Unlike `exp_entropy` it keeps the lengths of the vectors and weighs singular values, not their squares. Not
    centred: a large common offset brings it near 1, and `effective_rank(centre(vectors))` is about the mean.

    Shapes: (..., n, d) -> (...). Units: a number of dimensions, in [1, min(n, d)].

    Raises:
        ValueError: as `gram`.

    Source: Roy & Vetterli, The effective rank: a measure of effective dimensionality, EUSIPCO 2007.

    >>> import torch
    >>> effective_rank(torch.eye(5)).round()
    tensor(5.)
    """
    check_vectors("vectors", vectors)
    singular_values = torch.linalg.svdvals(vectors)
    return shannon_entropy(singular_values / singular_values.sum(dim=-1, keepdim=True)).exp()


def unit_rows_entropy(unit: Float[Tensor, "*batch n d"]) -> Float[Tensor, "*batch"]:
    """Entropy of the Gram matrix of unit vectors, from its smaller side; nothing is checked."""
    return density_entropy(smaller_side(unit) / unit.shape[-2])


def weighted_rows_entropy(rows: Float[Tensor, "*batch n d"]) -> Float[Tensor, "*batch"]:
    r"""Entropy of $A A^\top$, from its smaller side, for rows whose squared lengths sum to 1; nothing is checked."""
    return density_entropy(smaller_side(rows))


def rank_of_spectrum(eigenvalues: Float[Tensor, "*batch n"]) -> Float[Tensor, "*batch"]:
    """Effective rank from the squares of the singular values, or a multiple of them; nothing is checked.

    Rounding errors ε of the largest eigenvalue become singular values of √ε: in float64, 1e-6 of the rank at most.
    """
    singular_values = eigenvalues.clamp(min=0).sqrt()
    return shannon_entropy(singular_values / singular_values.sum(dim=-1, keepdim=True)).exp()


def density_entropy(density: Float[Tensor, "*batch n n"]) -> Float[Tensor, "*batch"]:
    """Entropy in nats of a symmetric positive semi-definite matrix of trace 1; nothing is checked.

    Beside many rows of zeros, as of samples of weight 0 or neurons that are off, LAPACK fails in float32 or finds
    eigenvalues that are no numbers. So they get the mean of the other eigenvalues, whose part is taken off again.
    """
    zero = density.diagonal(dim1=-2, dim2=-1) == 0
    mean = 1 / (~zero).sum(dim=-1, keepdim=True).clamp(min=1).to(density.dtype)
    filled = torch.where(zero, mean, 0.0)
    return shannon_entropy(torch.linalg.eigvalsh(density + torch.diag_embed(filled))) - shannon_entropy(filled)


def shannon_entropy(probabilities: Float[Tensor, "*batch n"]) -> Float[Tensor, "*batch"]:
    """-Σ p log p in nats; zeros, and negatives that rounding leaves in a spectrum, add nothing, nor to the gradient."""
    positive = torch.where(probabilities <= 0, 1.0, probabilities)  # so that NaN is not taken for 0
    return -(positive * positive.log()).sum(dim=-1)


def smaller_side(rows: Float[Tensor, "*batch n d"]) -> Float[Tensor, "*batch side side"]:
    """The smaller of AᵀA and AAᵀ, which have the same non-zero eigenvalues."""
    n, d = rows.shape[-2:]
    return rows.mT @ rows if d < n else rows @ rows.mT
