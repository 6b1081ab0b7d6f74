"""Neural collapse: how near features and head are to one simplex frame, measured from batches of samples."""

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
    """Measures of the four properties of neural collapse, in float64.

    At collapse `nc4_agreement` is 1 and all the others are 0.
    """

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
    r"""Measure neural collapse of features and head.

    For a data set in memory, call `neural_collapse([(features, labels)], head.weight)`. The function iterates over
    `batches` twice, because agreement with the nearest class mean needs the means first.

    M holds the class means $\mu_c$ minus their mean. W holds the head rows minus their mean, which softmax ignores.
    `nc1` weights each class by its number of samples, so that the covariances within and between classes add up to the
    total. NC2 and NC3 weight all classes equally. About the mean of all samples, unbalanced data could not reach
    collapse.

    - `nc1` is the spread within classes relative to the spread between them:
      $\operatorname{tr}(\Sigma_W \Sigma_B^+) / C$. $\Sigma_W$ is the covariance of all samples about their class means.
      $\Sigma_B = \sum_c \frac{n_c}{n} (\mu_c - \mu_G)(\mu_c - \mu_G)^T$, where $\mu_G$ is the mean of all samples. For
      balanced classes this is the published definition.
    - `cdnv` is the same ratio for pairs of classes: the mean over $c \ne c'$ of
      $(V_c + V_{c'}) / 2\lVert\mu_c - \mu_{c'}\rVert^2$, with $V_c = E\lVert h - \mu_c\rVert^2$. It is infinite if two
      class means coincide.
    - `nc2_equinorm_*` is the standard deviation of the lengths of means or head rows, divided by their mean length.
    - `nc2_equiangular_*` is the standard deviation of the cosines between pairs of means or of head rows.
    - `nc2_simplex_*` is the distance to the simplex frame:
      $\lVert MM^T / \lVert MM^T\rVert_F - (I - 11^T/C) / \sqrt{C-1} \rVert_F$.
    - `nc3_self_duality` is the distance between head and means:
      $\lVert W / \lVert W\rVert_F - M / \lVert M\rVert_F\rVert_F^2$.
    - `nc4_agreement` is the fraction of samples for which the class of the largest logit has the nearest class mean.

    The pseudo-inverse leaves out directions in which class means differ by rounding error alone. These are the
    singular values of the weighted centred means up to
    $\max(C, d)\, \epsilon\, (\sum_c \lVert\mu_c\rVert^2)^{1/2}$. All computations are in float64.

    Shapes: batches of (n, d) and integers (n,); (C, d), (C,) -> ten scalars. Memory: (C + d)² numbers and a batch.

    Raises:
        ValueError: if a class has no samples, or if a class mean or head row equals the mean of all and so has no
            direction. Also if shapes do not fit, if a label is outside [0, C), if a number is not finite, or if
            `batches` is an iterator.

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
            f"batches: expected an iterable to read twice, got a {type(batches).__name__} (pass a list or DataLoader)"
        )
    check_matrix("weight", weight)
    num_classes, dim = weight.shape
    if num_classes < 2:
        raise ValueError(f"weight: expected rows of at least 2 classes, got {num_classes}")
    if bias is not None:
        if not isinstance(bias, Tensor) or bias.shape != (num_classes,):
            found = tuple(bias.shape) if isinstance(bias, Tensor) else type(bias).__name__
            raise ValueError(f"bias: expected one number per class, shape ({num_classes},), got {found}")
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
    """Compute the ten values of `neural_collapse` from the moments of the samples and the fraction `nc4_agreement`.

    Classes without samples are left out, together with their head rows, and C counts only the other classes. Nothing
    is checked, so that the host need not wait for a GPU. A vector without a direction makes a value NaN or infinite.

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
    simplex = centred(present.double().diag_embed(), present)  # I - 11ᵀ/C of the classes that have samples
    return (_scaled(vectors @ vectors.mT) - _scaled(simplex)).norm(dim=(-2, -1))


def _scaled(matrices: Float[Tensor, "*batch n m"]) -> Float[Tensor, "*batch n m"]:
    """Return the matrices scaled to a Frobenius norm of 1."""
    return matrices / matrices.norm(dim=(-2, -1), keepdim=True)


def _deviation(values: Float[Tensor, "*batch n"], chosen: Bool[Tensor, "*batch n"]) -> Float[Tensor, "*batch"]:
    """Return the standard deviation of the chosen values along the last axis."""
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
    """Return Euclidean distances, computed from differences because squares and products cancel at large offsets."""
    return torch.cdist(vectors_1, vectors_2, compute_mode="donot_use_mm_for_euclid_dist")


def _rounding(vectors: Float[Tensor, "*batch class dim"]) -> Float[Tensor, "*batch"]:
    """Return the largest length that rounding error can give to a zero difference of these vectors."""
    return max(vectors.shape[-2:]) * torch.finfo(vectors.dtype).eps * vectors.norm(dim=(-2, -1))


def _check_directions(name: str, deviations: Float[Tensor, "class dim"], vectors: Float[Tensor, "class dim"]) -> None:
    central = deviations.norm(dim=1) <= _rounding(vectors)
    if central.any():
        raise ValueError(
            f"{name}: expected rows that differ from their mean, got {int(central.sum())} of {len(central)} at the "
            f"mean, without a direction (first: class {int(central.nonzero()[0])})"
        )


def _pairs(present: Bool[Tensor, "*batch class"]) -> Bool[Tensor, "*batch class class"]:
    """Return a mask of the pairs of two different classes that both have samples."""
    same = torch.eye(present.shape[-1], dtype=torch.bool, device=present.device)
    return present[..., :, None] & present[..., None, :] & ~same
