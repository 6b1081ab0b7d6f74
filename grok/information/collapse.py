"""Neural collapse: how near features and head are to one simplex frame, measured in a stream of batches."""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Shaped
from torch import Tensor

from grok.information.checks import check_matrix
from grok.information.moments import ClassMoments, centred, mean_of

Batch = tuple[Shaped[Tensor, "..."], Shaped[Tensor, "..."]]
"""Features (n, d) and labels (n,)."""


class NeuralCollapse(NamedTuple):
    """The four properties of neural collapse; float64, all 0 at collapse but `nc4_agreement`, which is 1."""

    nc1: Float[Tensor, "*batch"]
    cdnv: Float[Tensor, "*batch"]
    nc2_equinorm_means: Float[Tensor, "*batch"]
    nc2_equinorm_head: Float[Tensor, "*batch"]
    nc2_equiangular_means: Float[Tensor, "*batch"]
    nc2_equiangular_head: Float[Tensor, "*batch"]
    nc2_simplex_means: Float[Tensor, "*batch"]
    nc2_simplex_head: Float[Tensor, "*batch"]
    nc3_self_duality: Float[Tensor, "*batch"]
    nc4_agreement: Float[Tensor, "*batch"]


@torch.no_grad()
def neural_collapse(
    batches: Iterable[Batch], weight: Shaped[Tensor, "..."], bias: Shaped[Tensor, "..."] | None = None
) -> NeuralCollapse:
    r"""Measure neural collapse of features and head; in memory, `neural_collapse([(features, labels)], head.weight)`.

    `batches` is gone over twice: agreement with the nearest class mean needs the means first. M holds the class means
    $\mu_c$, centred on their mean, and W the head rows, centred on theirs, since softmax does not see what they share.
    `nc1` weighs a class by its samples, so that within and between add up to the total covariance. NC2 and NC3 are
    about frames of C vectors that count the same: about the mean of the samples, no uneven data would be at collapse.

    - `nc1`, spread within classes against that between: $\operatorname{tr}(\Sigma_W \Sigma_B^+) / C$, with the
      covariance $\Sigma_W$ of all samples about their class means and $\Sigma_B = \sum_c \frac{n_c}{n} (\mu_c -
      \mu_G)(\mu_c - \mu_G)^T$ about the mean $\mu_G$ of all samples; as published where classes are balanced.
    - `cdnv`, the same by pairs: the mean over $c \ne c'$ of $(V_c + V_{c'}) / 2\lVert\mu_c - \mu_{c'}\rVert^2$, with
      $V_c = E\lVert h - \mu_c\rVert^2$; infinite where two class means are one, whatever their spread.
    - `nc2_equinorm_*`, of means and of head rows: the standard deviation of their lengths over the mean length.
    - `nc2_equiangular_*`: the standard deviation of the cosines of pairs.
    - `nc2_simplex_*`, distance to the simplex frame: $\lVert MM^T / \lVert MM^T\rVert_F - (I - 11^T/C) /
      \sqrt{C-1} \rVert_F$.
    - `nc3_self_duality`, distance of head and means: $\lVert W / \lVert W\rVert_F - M / \lVert M\rVert_F\rVert_F^2$.
    - `nc4_agreement`: the fraction of samples whose largest logit is that of the nearest class mean.

    The pseudo-inverse leaves out directions in which class means differ by rounding alone: where the weighted centred
    means have a singular value up to $\max(C, d)\, \epsilon\, (\sum_c \lVert\mu_c\rVert^2)^{1/2}$. All is in float64.

    Shapes: batches of (n, d) and integers (n,); (C, d), (C,) -> ten scalars. Memory: (C + d)² numbers and a batch.

    Raises:
        ValueError: a class without samples, a class mean or head row at the mean of all (it has no direction), shapes
            that do not fit, labels outside [0, C), numbers that are not finite, or `batches` that can be gone over
            once only.

    Source: Papyan, Han & Donoho, PNAS 2020 (NC1 to NC4); Galanti, György & Hutter, ICLR 2022 (CDNV); Zhu et al.,
    NeurIPS 2021 (distance to the simplex frame).

    >>> import torch
    >>> frame = torch.eye(4) - 0.25
    >>> labels = torch.arange(20) % 4
    >>> collapse = neural_collapse([(frame[labels], labels)], weight=3 * frame)
    >>> print(*(round(value.item(), 6) for value in collapse))
    0.0 0.0 0.0 0.0 0.0 0.0 0.0 0.0 0.0 1.0
    """
    if isinstance(batches, Iterator):
        raise ValueError(
            f"batches: expected something to go over twice, got a {type(batches).__name__} (pass a list or DataLoader)"
        )
    check_matrix("weight", weight)
    num_classes, dim = weight.shape
    if num_classes < 2:
        raise ValueError(f"weight: expected rows of at least 2 classes, got {num_classes}")
    if bias is not None:
        if not isinstance(bias, Tensor) or bias.shape != (num_classes,):
            found = tuple(bias.shape) if isinstance(bias, Tensor) else type(bias).__name__
            raise ValueError(f"bias: expected one number a class, shape ({num_classes},), got {found}")
        check_matrix("bias", bias[None])
    moments = ClassMoments(num_classes, dim, device=weight.device)
    for batch in batches:
        if not isinstance(batch, (tuple, list)) or len(batch) != 2:
            raise ValueError(
                f"batches: expected pairs of features and labels, got a {type(batch).__name__} (in memory, pass "
                "[(features, labels)])"
            )
        moments.update(*batch)
    empty = int((moments.counts == 0).sum())
    if empty:
        raise ValueError(f"batches: expected samples of all {num_classes} classes, got none of {empty}")
    _check_directions("class means", moments.centred_means, moments.means)
    _check_directions("weight", centred(weight.double(), moments.present), weight.double())
    return collapse_of_moments(moments, weight, _nearest_centre_agreement(batches, moments, weight, bias))


def collapse_of_moments(
    moments: ClassMoments, weight: Float[Tensor, "*batch class dim"], agreement: Float[Tensor, "*batch"]
) -> NeuralCollapse:
    """The ten values of `neural_collapse` from the moments of the samples and the fraction `nc4_agreement`.

    Classes without a sample are left out, with their head rows: C is the number of the others. Nothing is checked, and
    no GPU is waited for: what has no direction makes a value NaN or infinite.

    Shapes: moments of (...), (..., C, d), (...) -> ten (...).
    """
    present = moments.present
    means, rows = moments.centred_means, centred(weight.double(), present)
    return NeuralCollapse(
        nc1=_within_over_between(moments),
        cdnv=_class_distance_normalised_variance(moments),
        nc2_equinorm_means=_spread_of_lengths(means, present),
        nc2_equinorm_head=_spread_of_lengths(rows, present),
        nc2_equiangular_means=_spread_of_cosines(means, present),
        nc2_equiangular_head=_spread_of_cosines(rows, present),
        nc2_simplex_means=_distance_to_simplex(means, present),
        nc2_simplex_head=_distance_to_simplex(rows, present),
        nc3_self_duality=(_scaled(rows) - _scaled(means)).square().sum(dim=(-2, -1)),
        nc4_agreement=agreement,
    )


def _within_over_between(moments: ClassMoments) -> Float[Tensor, "*batch"]:
    n = moments.counts.sum(dim=-1)
    shares = moments.counts / n[..., None]
    weighted = shares.sqrt()[..., None] * (moments.means - moments.global_mean[..., None, :])  # Σ_B = AᵀA
    _, singular_values, directions = torch.linalg.svd(weighted, full_matrices=False)
    within = (directions @ (moments.within / n[..., None, None]) * directions).sum(dim=-1)
    kept = singular_values > _rounding(moments.means)[..., None]
    ratios = torch.where(kept, within / singular_values.square(), 0.0)
    return ratios.sum(dim=-1) / moments.present.sum(dim=-1)


def _class_distance_normalised_variance(moments: ClassMoments) -> Float[Tensor, "*batch"]:
    variances = moments.spreads / moments.counts
    distances = _distances(moments.means, moments.means).square()
    ratios = (variances[..., :, None] + variances[..., None, :]) / (2 * distances)
    ratios = torch.where(distances > 0, ratios, torch.inf)
    return mean_of(ratios.flatten(-2), _pairs(moments.present).flatten(-2))


def _spread_of_lengths(
    vectors: Float[Tensor, "*batch class dim"], present: Bool[Tensor, "*batch class"]
) -> Float[Tensor, "*batch"]:
    lengths = vectors.norm(dim=-1)
    return _deviation(lengths, present) / mean_of(lengths, present)


def _spread_of_cosines(
    vectors: Float[Tensor, "*batch class dim"], present: Bool[Tensor, "*batch class"]
) -> Float[Tensor, "*batch"]:
    unit = vectors / vectors.norm(dim=-1, keepdim=True)
    return _deviation((unit @ unit.mT).flatten(-2), _pairs(present).flatten(-2))


def _distance_to_simplex(
    vectors: Float[Tensor, "*batch class dim"], present: Bool[Tensor, "*batch class"]
) -> Float[Tensor, "*batch"]:
    simplex = centred(present.double().diag_embed(), present)  # I - 11ᵀ/C, of the classes that are there
    return (_scaled(vectors @ vectors.mT) - _scaled(simplex)).norm(dim=(-2, -1))


def _scaled(matrices: Float[Tensor, "*batch n m"]) -> Float[Tensor, "*batch n m"]:
    """With a Frobenius norm of 1."""
    return matrices / matrices.norm(dim=(-2, -1), keepdim=True)


def _deviation(values: Float[Tensor, "*batch n"], chosen: Bool[Tensor, "*batch n"]) -> Float[Tensor, "*batch"]:
    """Their standard deviation."""
    return mean_of((values - mean_of(values, chosen)[..., None]).square(), chosen).sqrt()


def _nearest_centre_agreement(
    batches: Iterable[Batch], moments: ClassMoments, weight: Float[Tensor, "class dim"], bias: Tensor | None
) -> Float[Tensor, ""]:
    agreed = torch.zeros((), dtype=torch.float64, device=weight.device)
    seen = 0
    for features, _ in batches:
        features = features.to(moments.means)
        decided = F.linear(features, weight.double(), None if bias is None else bias.double()).argmax(dim=1)
        nearest = _distances(features, moments.means).argmin(dim=1)
        agreed += (decided == nearest).sum()
        seen += len(features)
    if seen != moments.counts.sum():
        raise ValueError(f"batches: expected the same samples twice, got {int(moments.counts.sum())} and then {seen}")
    return agreed / seen


def _distances(
    vectors_1: Float[Tensor, "*batch n dim"], vectors_2: Float[Tensor, "*batch m dim"]
) -> Float[Tensor, "*batch n m"]:
    """Euclidean distances, from differences: squares and products would cancel where an offset is large."""
    return torch.cdist(vectors_1, vectors_2, compute_mode="donot_use_mm_for_euclid_dist")


def _rounding(vectors: Float[Tensor, "*batch class dim"]) -> Float[Tensor, "*batch"]:
    """What may be left of a difference of these vectors that is 0 but for rounding."""
    return max(vectors.shape[-2:]) * torch.finfo(vectors.dtype).eps * vectors.norm(dim=(-2, -1))


def _check_directions(name: str, deviations: Float[Tensor, "class dim"], vectors: Float[Tensor, "class dim"]) -> None:
    central = deviations.norm(dim=1) <= _rounding(vectors)
    if central.any():
        raise ValueError(
            f"{name}: expected rows away from their mean, got {int(central.sum())} of {len(central)} there, "
            f"without a direction (first: class {int(central.nonzero()[0])})"
        )


def _pairs(present: Bool[Tensor, "*batch class"]) -> Bool[Tensor, "*batch class class"]:
    """The places of two different classes that are there."""
    same = torch.eye(present.shape[-1], dtype=torch.bool, device=present.device)
    return present[..., :, None] & present[..., None, :] & ~same
