"""Entropy of a density matrix from its products with vectors alone, by stochastic Lanczos quadrature."""

from collections.abc import Callable
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

Product = Callable[[Float[Tensor, "n vectors"]], Float[Tensor, "n vectors"]]
"""Multiplies a block of column vectors by a symmetric positive semi-definite matrix of trace 1."""


FIRST_LOOK = 6
"""Lanczos steps before the first comparison of the two quadratures, which is repeated at each doubling of the steps.

A comparison costs as much as a few steps.
"""

AGREEMENT = 5e-4
"""The quadratures agree if they differ by less than this fraction of the upper one."""


class EntropyEstimate(NamedTuple):
    """An entropy and its standard error, as float64 scalars in nats."""

    value: Float[Tensor, ""]
    standard_error: Float[Tensor, ""]


class QuadraticForms(NamedTuple):
    r"""Bounds of $v^T f(A) v$ for $f(x) = -x \log x$, and the mass $v^T A v$, of each start vector v, in float64."""

    lower: Float[Tensor, "vectors"]
    upper: Float[Tensor, "vectors"]
    mass: Float[Tensor, "vectors"]


def lanczos_entropy(
    product: Product,
    probes: Float[Tensor, "n probes"],
    subspace: Float[Tensor, "n rank"],
    *,
    steps: int,
    width: int,
) -> EntropyEstimate:
    r"""Estimate $\operatorname{tr} f(A)$, $f(x) = -x \log x$, for a density matrix A given by `product`.

    The trace is split by an orthonormal basis Q, which two power iterations on `subspace` turn towards the leading
    eigenvectors (Meyer et al., 2021). The part $\operatorname{tr} Q^T f(A) Q$ is computed. The rest is estimated from
    the mean of $u^T f(A) u$ over the probes $u = (I - QQ^T) z$. The weight of the rest,
    $1 - \operatorname{tr} Q^T A Q$, is known. The estimate of the rest is this weight times the entropy per weight of
    the probes (a ratio estimator). It is exact if the remaining eigenvalues are equal, and its noise is that of
    $\log\lambda$ rather than of $\lambda$.

    Each $v^T f(A) v$ is bracketed by Gauss and Gauss-Radau quadrature of the same Lanczos run (Golub & Meurant, 1994).
    The even derivatives of f are negative, and the odd ones above the first are positive. Gauss quadrature is
    therefore an upper bound, and Radau quadrature with a node at 0 a lower bound. Half the bracket counts as error.

    Shapes: probes (n, m) of independent entries with mean 0 and variance 1, subspace (n, k) random, k + m <= n.
    `width` columns are multiplied at a time, which limits the memory to n · (k + m + 4 · width) numbers.

    Source: Ubaru, Chen & Saad, Fast estimation of tr(f(A)) via stochastic Lanczos quadrature, SIAM 2017; Meyer, Musco,
    Musco & Woodruff, Hutch++, SOSA 2021; Golub & Meurant, Matrices, moments and quadrature, 1994.
    """
    basis = _leading_ritz_vectors(product, subspace, width)
    known = _all_forms(product, basis, steps, width)
    sampled = _all_forms(product, probes - basis @ (basis.mT @ probes), steps, width)

    weight = 1 - known.mass.sum()
    rounding = len(known.mass) * torch.finfo(probes.dtype).eps
    scale = weight / sampled.mass.mean() if weight > rounding else torch.zeros_like(weight)
    forms = (sampled.lower + sampled.upper) / 2
    entropy_per_weight = forms.mean() / sampled.mass.mean() if weight > rounding else 0.0
    noise = (forms - entropy_per_weight * sampled.mass).std() / len(forms) ** 0.5
    half_bracket = (known.upper - known.lower).sum() / 2 + scale * (sampled.upper - sampled.lower).mean() / 2
    return EntropyEstimate(
        value=(known.lower + known.upper).sum() / 2 + scale * forms.mean(),
        standard_error=scale * noise + half_bracket,
    )


def quadratic_forms(product: Product, start: Float[Tensor, "n vectors"], steps: int) -> QuadraticForms:
    """Run Lanczos from each column of `start` until the two quadratures agree, or for `steps` steps.

    No basis is kept and nothing is reorthogonalised. Lost orthogonality repeats nodes and splits their weights, which
    leaves the quadrature unchanged. The same holds for a run that continues in rounding noise after it has exhausted
    its Krylov space.
    """
    tiny = torch.finfo(start.dtype).tiny
    norms = start.norm(dim=0)
    current, previous, beta = start / norms.clamp(min=tiny), torch.zeros_like(start), torch.zeros_like(norms)
    alphas, betas = [], []
    next_look = FIRST_LOOK
    while True:
        following = product(current) - beta * previous
        alpha = (current * following).sum(dim=0)
        following -= alpha * current
        beta = following.norm(dim=0)
        alphas.append(alpha)
        betas.append(beta)
        previous, current = current, following / beta.clamp(min=tiny)
        if len(alphas) in (next_look, steps):
            next_look *= 2
            forms = _bracket(norms, torch.stack(alphas, dim=1), torch.stack(betas[:-1], dim=1))
            if len(alphas) == steps or (forms.upper - forms.lower).sum() < AGREEMENT * forms.upper.sum():
                return forms


def _bracket(
    norms: Float[Tensor, "vectors"],
    diagonal: Float[Tensor, "vectors steps"],
    off_diagonal: Float[Tensor, "vectors steps-1"],
) -> QuadraticForms:
    # These small tridiagonal problems, one per vector, are solved on the host in float64; a GPU would be slower.
    squared_norms, diagonal, off_diagonal = (
        norms.double().cpu().square(),
        diagonal.double().cpu(),
        off_diagonal.double().cpu(),
    )
    return QuadraticForms(
        lower=squared_norms * _quadrature(_with_node_at_zero(diagonal, off_diagonal), off_diagonal),
        upper=squared_norms * _quadrature(diagonal, off_diagonal),
        mass=squared_norms * diagonal[:, 0],
    )


def _leading_ritz_vectors(product: Product, subspace: Float[Tensor, "n rank"], width: int) -> Float[Tensor, "n rank"]:
    """Return orthonormal vectors near the leading eigenvectors: the Ritz vectors after two power iterations."""

    def image(columns: Float[Tensor, "n rank"]) -> Float[Tensor, "n rank"]:
        return torch.cat([product(some) for some in columns.split(width, dim=1)], dim=1)

    basis = torch.linalg.qr(image(subspace)).Q
    basis = torch.linalg.qr(image(basis)).Q
    return basis @ torch.linalg.eigh(basis.mT @ image(basis)).eigenvectors


def _all_forms(product: Product, start: Float[Tensor, "n vectors"], steps: int, width: int) -> QuadraticForms:
    """Return the `quadratic_forms` of all columns, computed for `width` columns at a time."""
    parts = [quadratic_forms(product, columns, steps) for columns in start.split(width, dim=1)]
    return QuadraticForms(*(torch.cat(values) for values in zip(*parts, strict=True)))


def _quadrature(
    diagonal: Float[Tensor, "vectors steps"], off_diagonal: Float[Tensor, "vectors steps-1"]
) -> Float[Tensor, "vectors"]:
    """Return entry (1, 1) of f(T) for a tridiagonal matrix T.

    The nodes are the eigenvalues of T, and the weights are the squared first entries of its eigenvectors.
    """
    tridiagonal = diagonal.diag_embed() + off_diagonal.diag_embed(-1) + off_diagonal.diag_embed(1)
    nodes, vectors = torch.linalg.eigh(tridiagonal)
    positive = torch.where(nodes > 0, nodes, 1.0)
    return -(vectors[:, 0].square() * positive * positive.log()).sum(dim=-1)


def _with_node_at_zero(
    diagonal: Float[Tensor, "vectors steps"], off_diagonal: Float[Tensor, "vectors steps-1"]
) -> Float[Tensor, "vectors steps"]:
    """Return the diagonal with its last entry lowered until T is singular: the Gauss-Radau rule with a node at 0."""
    pivot = diagonal[:, 0]
    lowest = torch.zeros_like(pivot)
    for alpha, beta in zip(diagonal.unbind(1)[1:], off_diagonal.unbind(1), strict=True):
        lowest = torch.where(pivot > 0, beta.square() / pivot, alpha).minimum(alpha)
        pivot = alpha - lowest
    return torch.cat([diagonal[:, :-1], lowest[:, None]], dim=1)
