"""Quadratic forms of the entropy function of a matrix, bracketed by the quadratures of a Lanczos run."""

from collections.abc import Callable, Iterator
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

Product = Callable[[Float[Tensor, "n vectors"]], Float[Tensor, "n vectors"]]
"""Multiplies a block of column vectors by a symmetric positive semi-definite matrix of trace at most 1."""


class QuadraticForms(NamedTuple):
    r"""Forms of start vectors v, in float64.

    `lower` and `upper` are bounds of $v^T f(A) v$ for $f(x) = -x \log x$; `mass` is $v^T A v$, `square` $v^T A^2 v$.
    """

    lower: Float[Tensor, "vectors"]
    upper: Float[Tensor, "vectors"]
    mass: Float[Tensor, "vectors"]
    square: Float[Tensor, "vectors"]

    @property
    def half_gap(self) -> float:
        """The largest error, in the mean over the vectors, of the middle of the bounds."""
        return (self.upper - self.lower).mean().item() / 2


def quadratic_forms(
    product: Product, start: Float[Tensor, "n vectors"], steps: int
) -> Iterator[tuple[QuadraticForms, int]]:
    """Run Lanczos from each column of `start`, and yield the forms with the number of steps that it has taken.

    It yields after 1, 2, 3, 4, 6, 9 steps and so on, each number half as large again as the one before, and after the
    last of `steps`.

    No basis is kept and nothing is reorthogonalised. Lost orthogonality repeats nodes and splits their weights, which
    leaves the quadrature unchanged. The same holds for a run that continues in rounding noise after it has exhausted
    its Krylov space.
    """
    tiny = torch.finfo(start.dtype).tiny
    norms = start.norm(dim=0)
    current, previous, beta = start / norms.clamp(min=tiny), torch.zeros_like(start), torch.zeros_like(norms)
    alphas, betas = [], []
    next_look = 1
    for step in range(1, steps + 1):
        following = product(current) - beta * previous
        alpha = (current * following).sum(dim=0)
        following -= alpha * current
        beta = following.norm(dim=0)
        alphas.append(alpha)
        betas.append(beta)
        previous, current = current, following / beta.clamp(min=tiny)
        if step in (next_look, steps):
            next_look = step + max(1, step // 2)
            yield _bracket(norms, torch.stack(alphas, dim=1), torch.stack(betas, dim=1)), step


def _bracket(
    norms: Float[Tensor, "vectors"],
    diagonal: Float[Tensor, "vectors steps"],
    off_diagonal: Float[Tensor, "vectors steps"],
) -> QuadraticForms:
    # These small tridiagonal problems, one per vector, are solved on the host in float64; a GPU would be slower.
    norms, diagonal, off_diagonal = (each.double().cpu() for each in (norms, diagonal, off_diagonal))
    squared_norms = norms.square()
    return QuadraticForms(
        lower=squared_norms * _quadrature(_with_node_at_zero(diagonal, off_diagonal), off_diagonal),
        upper=squared_norms * _quadrature(diagonal, off_diagonal[:, :-1]),
        mass=squared_norms * diagonal[:, 0],
        square=squared_norms * (diagonal[:, 0].square() + off_diagonal[:, 0].square()),
    )


def _quadrature(
    diagonal: Float[Tensor, "vectors nodes"], off_diagonal: Float[Tensor, "vectors nodes-1"]
) -> Float[Tensor, "vectors"]:
    """Return entry (1, 1) of f(T) for a tridiagonal matrix T.

    The nodes are the eigenvalues of T, and the weights are the squared first entries of its eigenvectors.
    """
    tridiagonal = diagonal.diag_embed() + off_diagonal.diag_embed(-1) + off_diagonal.diag_embed(1)
    nodes, vectors = torch.linalg.eigh(tridiagonal)
    positive = torch.where(nodes > 0, nodes, 1.0)
    return -(vectors[:, 0].square() * positive * positive.log()).sum(dim=-1)


def _with_node_at_zero(
    diagonal: Float[Tensor, "vectors steps"], off_diagonal: Float[Tensor, "vectors steps"]
) -> Float[Tensor, "vectors steps+1"]:
    """Return the diagonal with one more entry, which makes T singular: the Gauss-Radau rule with a node at 0.

    No eigenvalue of a density is above 1, so that the entry exceeds 1 only where rounding has spoilt the last pivot.
    """
    pivot = diagonal[:, 0]
    for alpha, beta in zip(diagonal.unbind(1)[1:], off_diagonal.unbind(1), strict=False):
        pivot = alpha - torch.where(pivot > 0, beta.square() / pivot, alpha).minimum(alpha)
    last = torch.where(pivot > 0, off_diagonal[:, -1].square() / pivot, 0.0).clamp(max=1)
    return torch.cat([diagonal, last[:, None]], dim=1)
