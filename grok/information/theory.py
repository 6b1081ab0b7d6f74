"""Closed forms: what MIR and HDR are where the geometry is known."""

from math import log

import torch

from grok.information.interplay import Interplay


def simplex_etf_interplay(num_classes: int) -> Interplay:
    r"""Interplay at neural collapse: class means and head rows are the same simplex equiangular tight frame.

    The Gram matrix of C such vectors has cosines $-1/(C-1)$: C-1 eigenvalues $1/(C-1)$ of $K/C$ and one zero, so
    $H = \log(C-1)$. Its elementwise square has off-diagonal $1/(C-1)^2$: one eigenvalue $1/(C-1)$ and C-1 of
    $(C-2)/(C-1)^2$. Hence HDR = 0 and

    $$\mathrm{MIR} = \frac{1}{C-1} + \frac{(C-2)\log(C-2)}{(C-1)\log(C-1)}.$$

    The same values hold for n samples, equally many of each class, at their class means (the `sample` pairing).

    Returns: float64 scalars; entropies in nats.

    Raises:
        ValueError: fewer than 3 classes; two opposite vectors have entropy 0 and no ratio.

    Source: Song et al., ICML 2024, Theorem 4.2 and Corollary 4.3; Papyan, Han & Donoho, PNAS 2020.

    >>> round(simplex_etf_interplay(num_classes=113).mir.item(), 4)
    0.9981
    >>> round(simplex_etf_interplay(num_classes=10).mir.item(), 4)
    0.9524
    """
    if num_classes < 3:
        raise ValueError(f"num_classes: expected at least 3, got {num_classes}")
    dimensions = num_classes - 1
    entropy = log(dimensions)
    remainder = (num_classes - 2) / dimensions
    joint_entropy = entropy + remainder * (log(dimensions) - log(num_classes - 2))
    values = {
        "mir": 1 / dimensions + remainder * log(num_classes - 2) / log(dimensions),
        "hdr": 0.0,
        "entropy_1": entropy,
        "entropy_2": entropy,
        "joint_entropy": joint_entropy,
    }
    return Interplay(**{name: torch.tensor(value, dtype=torch.float64) for name, value in values.items()})
