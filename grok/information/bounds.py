"""Bounds that relate matrix entropies, and so HDR, to the error of linear prediction."""

import torch
from jaxtyping import Float, Shaped
from torch import Tensor

from grok.information.checks import check_same_shape, check_vectors
from grok.information.entropy import unit_rows_entropy
from grok.information.gram import unit_rows
from grok.information.precision import outside_autocast


@outside_autocast
def regression_error(vectors_1: Shaped[Tensor, "..."], vectors_2: Shaped[Tensor, "..."]) -> Float[Tensor, "*batch"]:
    r"""Fraction of the second set that no linear map of the first predicts: $\min_W \|Z_1 W - Z_2\|_F^2 / \|Z_2\|_F^2$.

    The rows are scaled to unit length, as for their Gram matrices, and the map has no intercept.

    Shapes: (..., n, d1) and (..., n, d2) -> (...). Units: a fraction, in [0, 1].

    Raises:
        ValueError: if `gram` would reject a set, or if the sets differ in n or in their batch shape.

    >>> import torch
    >>> regression_error(torch.ones(4, 1), torch.eye(4))     # one of four directions is known
    tensor(0.7500)
    """
    unit_1, unit_2 = _unit_pair(vectors_1, vectors_2)
    basis, singular_values, _ = torch.linalg.svd(unit_1, full_matrices=False)
    explained = (basis * _nonzero(singular_values, unit_1)[..., None, :]).mT @ unit_2
    return (1 - explained.square().sum(dim=(-2, -1)) / unit_2.shape[-2]).clamp(min=0)


@outside_autocast
def regression_error_bound(
    vectors_1: Shaped[Tensor, "..."], vectors_2: Shaped[Tensor, "..."]
) -> Float[Tensor, "*batch"]:
    r"""Lower bound of `regression_error` for every $Z_1$ of the same rank r: $\sum_{i > r} \lambda_i$.

    Here $\lambda_1 \ge \lambda_2 \ge \dots$ are the eigenvalues of $G(Z_2)/n$. The rank of $Z_1 W$ is at most r. No
    matrix of rank r is nearer to $Z_2$ than its truncated singular value decomposition (Eckart & Young, 1936).

    Shapes: (..., n, d1) and (..., n, d2) -> (...). Units: a fraction, in [0, 1].

    Raises:
        ValueError: if `regression_error` would reject the sets.

    Source: Song et al., ICML 2024, section 4.2.

    >>> import torch
    >>> regression_error_bound(torch.ones(4, 1), torch.eye(4)).item()
    0.75
    """
    unit_1, unit_2 = _unit_pair(vectors_1, vectors_2)
    rank = _nonzero(torch.linalg.svdvals(unit_1), unit_1).sum(dim=-1, keepdim=True)
    eigenvalues = torch.linalg.svdvals(unit_2).square() / unit_2.shape[-2]
    beyond = torch.arange(eigenvalues.shape[-1], device=eigenvalues.device) >= rank
    return (eigenvalues * beyond).sum(dim=-1)


@outside_autocast
def rank_ratio(vectors_1: Shaped[Tensor, "..."], vectors_2: Shaped[Tensor, "..."]) -> Float[Tensor, "*batch"]:
    r"""Ratio of the smaller to the larger `exp_entropy`: $e^{-|H_1 - H_2|} = e^{-\mathrm{HDR} \cdot \max\{H_1, H_2\}}$.

    An HDR near 0 therefore means that both sets use equally many directions. If the second set uses more directions
    than the rank of the first, $\operatorname{rank} Z_1 < e^{H_2} \le \operatorname{rank} Z_2$, then
    `regression_error_bound` is positive.

    Shapes: (..., n, d1) and (..., n, d2) -> (...). Units: a fraction, in (0, 1].

    Raises:
        ValueError: if `regression_error` would reject the sets.

    Source: Song et al., ICML 2024, section 4.2, with exp H in place of the rank.

    >>> import torch
    >>> rank_ratio(torch.ones(6, 1), torch.eye(6))
    tensor(0.1667)
    """
    unit_1, unit_2 = _unit_pair(vectors_1, vectors_2)
    return (-(unit_rows_entropy(unit_1) - unit_rows_entropy(unit_2)).abs()).exp()


def _unit_pair(
    vectors_1: Shaped[Tensor, "..."], vectors_2: Shaped[Tensor, "..."]
) -> tuple[Float[Tensor, "*batch n d1"], Float[Tensor, "*batch n d2"]]:
    check_vectors("vectors_1", vectors_1)
    check_vectors("vectors_2", vectors_2)
    check_same_shape("vectors_1 without its last axis", vectors_1.shape[:-1], "vectors_2", vectors_2.shape[:-1])
    return unit_rows(vectors_1), unit_rows(vectors_2)


def _nonzero(singular_values: Float[Tensor, "*batch r"], matrix: Float[Tensor, "*batch n d"]) -> Tensor:
    """Return a mask of the singular values that count towards the rank, that is, those above rounding error."""
    cutoff = max(matrix.shape[-2:]) * torch.finfo(matrix.dtype).eps * singular_values[..., :1]
    return singular_values > cutoff
