"""Interplay of two sets of vectors: matrix mutual information ratio (MIR) and matrix entropy difference ratio (HDR)."""

import math
from typing import NamedTuple

import torch
from jaxtyping import Float, Shaped
from torch import Tensor

from grok.information.checks import check_gram, check_same_shape, check_vectors, check_weights
from grok.information.entropy import density_entropies, smaller_side, unit_rows_density
from grok.information.gram import unit_rows
from grok.information.precision import outside_autocast


class Interplay(NamedTuple):
    """MIR and HDR (fractions in [0, 1]) and the three matrix entropies (nats) from which they are computed."""

    mir: Float[Tensor, "*batch"]
    hdr: Float[Tensor, "*batch"]
    entropy_1: Float[Tensor, "*batch"]
    entropy_2: Float[Tensor, "*batch"]
    joint_entropy: Float[Tensor, "*batch"]


def interplay(matrix_1: Shaped[Tensor, "..."], matrix_2: Shaped[Tensor, "..."]) -> Interplay:
    r"""Compute MIR, HDR and their three entropies from two Gram matrices.

    $$\mathrm{MI} = H(K_1) + H(K_2) - H(K_1 \circ K_2), \quad
      \mathrm{MIR} = \frac{\mathrm{MI}}{\min\{H(K_1), H(K_2)\}}, \quad
      \mathrm{HDR} = \frac{|H(K_1) - H(K_2)|}{\max\{H(K_1), H(K_2)\}}$$

    Here $\circ$ is the elementwise product of the two Gram matrices. $K_1$, $K_2$ and $K_1 \circ K_2$ have the
    entropies of the two parts and of the whole of the state $n^{-1/2} \sum_i |i\rangle|a_i\rangle|b_i\rangle$. Since
    the whole is separable, both ratios lie in [0, 1].

    Shapes: two (..., n, n) -> five (...).

    A set of parallel vectors has entropy 0 and shares no information. If the smaller entropy is 0 up to rounding, MIR
    is 0. If both entropies are, HDR is 0. The rounding threshold is (64 + 4n) ε log(1/ε) / 10 nats: for n = 256, 2e-4
    in float32 and 9e-13 in float64. In float32 the error of MIR is up to about nε divided by the smaller entropy. It is
    within 1e-4 for n up to 1,024 unless the vectors are nearly parallel; use float64 for those.

    Raises:
        ValueError: if a matrix is not a Gram matrix of unit vectors, or if the two shapes differ.

    Source: Song et al., ICML 2024, definitions 3.2 to 3.4.

    >>> import torch
    >>> print(*interplay(torch.eye(4), torch.eye(4)))       # orthogonal vectors: each set determines the other
    tensor(1.) tensor(0.) tensor(1.3863) tensor(1.3863) tensor(1.3863)
    """
    check_gram("matrix_1", matrix_1)
    check_gram("matrix_2", matrix_2)
    check_same_shape("matrix_1", matrix_1.shape, "matrix_2", matrix_2.shape)
    n = matrix_1.shape[-1]
    entropy_1, entropy_2, joint = density_entropies([matrix_1 / n, matrix_2 / n, matrix_1 * matrix_2 / n])
    return interplay_of_entropies(entropy_1, entropy_2, joint, n=n)


@outside_autocast
def gram_interplay(
    vectors_1: Shaped[Tensor, "..."],
    vectors_2: Shaped[Tensor, "..."],
    *,
    weights: Shaped[Tensor, "..."] | None = None,
    check: bool = True,
) -> Interplay:
    r"""Return `interplay(gram(vectors_1), gram(vectors_2))`, with each single entropy from its smaller side.

    Weights $w_i$ may replace $1/n$. The result is then the interplay of the state
    $\sum_i \sqrt{w_i} |i\rangle|a_i\rangle|b_i\rangle$: the entropies are those of the matrices
    $\sqrt{w_i w_j} K_{ij}$, where K is either Gram matrix or their elementwise product. A row of weight m/n counts like
    m equal rows among n. A row of weight 0 is ignored, so that sets of different sizes fit into one batch. The ratios
    stay in [0, 1].

    Shapes: (..., n, d1) and (..., n, d2), weights (..., n) that sum to 1 -> five (...). Row i of the first set is
    paired with row i of the second.

    `check=False` skips the checks of the numbers, which make the host wait for a GPU.

    Raises:
        ValueError: if `gram` would reject the rows of positive weight. If the sets or the weights differ in n or in
            their batch shape. If weights are negative or do not sum to 1.

    >>> import torch
    >>> vectors = torch.tensor([[1.0, 0.0], [0.0, 1.0], [2.0, 0.0], [0.0, 2.0]])
    >>> print(gram_interplay(vectors, 3 * vectors).mir)
    tensor(1.)
    >>> print(gram_interplay(vectors, 3 * vectors, weights=torch.tensor([0.5, 0.0, 0.5, 0.0])).entropy_1.abs() < 1e-6)
    tensor(True)
    """
    if check:
        if weights is not None:
            check_weights("weights", weights)
        check_vectors("vectors_1", vectors_1, weights)
        check_vectors("vectors_2", vectors_2, weights)
    check_same_shape("vectors_1 without its last axis", vectors_1.shape[:-1], "vectors_2", vectors_2.shape[:-1])
    if weights is not None:
        check_same_shape("vectors_1 without its last axis", vectors_1.shape[:-1], "weights", weights.shape)
        # A row of weight 0 may have any direction. A fixed one keeps the gradient finite.
        used = (weights > 0)[..., None]
        vectors_1, vectors_2 = torch.where(used, vectors_1, 1.0), torch.where(used, vectors_2, 1.0)
    unit_1, unit_2 = unit_rows(vectors_1), unit_rows(vectors_2)
    n = unit_1.shape[-2]
    gram_1, gram_2 = unit_1 @ unit_1.mT, unit_2 @ unit_2.mT
    roots = None if weights is None else weights.sqrt()[..., None]
    entropy_1, entropy_2, joint = density_entropies(
        [
            _smaller_density(unit_1, gram_1, roots),
            _smaller_density(unit_2, gram_2, roots),
            _density(gram_1 * gram_2, roots),
        ]
    )
    return interplay_of_entropies(entropy_1, entropy_2, joint, n=n)


def _smaller_density(
    unit: Float[Tensor, "*batch n d"], gram: Float[Tensor, "*batch n n"], roots: Float[Tensor, "*batch n 1"] | None
) -> Float[Tensor, "*batch side side"]:
    """Return the density of the Gram matrix of unit vectors, or the d×d matrix of equal entropy if that is smaller."""
    if unit.shape[-1] >= unit.shape[-2]:
        return _density(gram, roots)
    return unit_rows_density(unit) if roots is None else smaller_side(roots.to(unit) * unit)


def _density(
    gram: Float[Tensor, "*batch n n"], roots: Float[Tensor, "*batch n 1"] | None
) -> Float[Tensor, "*batch n n"]:
    """Return a Gram matrix of trace 1, in which rows have the squares of `roots` as weights, or else 1/n."""
    if roots is None:
        return gram / gram.shape[-1]
    roots = roots.to(gram)
    return roots * gram * roots.mT


def mutual_information(matrix_1: Shaped[Tensor, "..."], matrix_2: Shaped[Tensor, "..."]) -> Float[Tensor, "*batch"]:
    r"""Matrix mutual information $H(K_1) + H(K_2) - H(K_1 \circ K_2)$ in nats, in [0, min H]; see `interplay`.

    >>> import torch
    >>> mutual_information(torch.eye(4), torch.ones(4, 4)).abs() < 1e-6     # parallel vectors carry no information
    tensor(True)
    """
    values = interplay(matrix_1, matrix_2)
    return values.entropy_1 + values.entropy_2 - values.joint_entropy


def mir(matrix_1: Shaped[Tensor, "..."], matrix_2: Shaped[Tensor, "..."]) -> Float[Tensor, "*batch"]:
    """Matrix mutual information ratio, a fraction in [0, 1]; `interplay` gives both ratios at the same cost.

    >>> import torch
    >>> mir(torch.eye(3), torch.eye(3))
    tensor(1.)
    """
    return interplay(matrix_1, matrix_2).mir


def hdr(matrix_1: Shaped[Tensor, "..."], matrix_2: Shaped[Tensor, "..."]) -> Float[Tensor, "*batch"]:
    """Matrix entropy difference ratio, a fraction in [0, 1]; `interplay` gives both ratios at the same cost.

    >>> import torch
    >>> hdr(torch.eye(3), torch.ones(3, 3))
    tensor(1.0000)
    """
    return interplay(matrix_1, matrix_2).hdr


def interplay_of_entropies(
    entropy_1: Float[Tensor, "*batch"], entropy_2: Float[Tensor, "*batch"], joint: Float[Tensor, "*batch"], *, n: int
) -> Interplay:
    """Compute the ratios from three entropies of matrices of size n; a ratio is 0 if its denominator is 0."""
    zero = entropy_of_rounding(n, joint.dtype)  # a ratio of smaller entropies would be noise
    smaller, larger = torch.minimum(entropy_1, entropy_2), torch.maximum(entropy_1, entropy_2)
    mutual = entropy_1 + entropy_2 - joint
    return Interplay(
        mir=torch.where(smaller <= zero, 0.0, mutual / smaller.clamp(min=zero)),
        hdr=torch.where(larger <= zero, 0.0, (entropy_1 - entropy_2).abs() / larger.clamp(min=zero)),
        entropy_1=entropy_1,
        entropy_2=entropy_2,
        joint_entropy=joint,
    )


def entropy_of_rounding(n: int, dtype: torch.dtype) -> float:
    """Return an entropy in nats that is above that of up to n eigenvalues of rounding size."""
    eps = torch.finfo(dtype).eps
    return (64 + 4 * n) * eps * -math.log(eps) / 10
