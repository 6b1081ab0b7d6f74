"""Neural collapse: how near features and head are to one simplex frame, measured in a stream of batches."""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Shaped
from torch import Tensor

from grok.information.checks import check_labels, check_matrix, check_same_shape

Batch = tuple[Shaped[Tensor, "..."], Shaped[Tensor, "..."]]
"""Features (n, d) and labels (n,)."""


class NeuralCollapse(NamedTuple):
    """The four properties of neural collapse; float64 scalars, all 0 at collapse but `nc4_agreement`, which is 1."""

    nc1: Float[Tensor, ""]
    cdnv: Float[Tensor, ""]
    nc2_equinorm_means: Float[Tensor, ""]
    nc2_equinorm_head: Float[Tensor, ""]
    nc2_equiangular_means: Float[Tensor, ""]
    nc2_equiangular_head: Float[Tensor, ""]
    nc2_simplex_means: Float[Tensor, ""]
    nc2_simplex_head: Float[Tensor, ""]
    nc3_self_duality: Float[Tensor, ""]
    nc4_agreement: Float[Tensor, ""]


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
    means, rows = moments.centred_means, weight.double() - weight.double().mean(dim=0)
    _check_directions("class means", means, moments.means)
    _check_directions("weight", rows, weight.double())
    return NeuralCollapse(
        nc1=_within_over_between(moments),
        cdnv=_class_distance_normalised_variance(moments),
        nc2_equinorm_means=_spread_of_lengths(means),
        nc2_equinorm_head=_spread_of_lengths(rows),
        nc2_equiangular_means=_spread_of_cosines(means),
        nc2_equiangular_head=_spread_of_cosines(rows),
        nc2_simplex_means=_distance_to_simplex(means),
        nc2_simplex_head=_distance_to_simplex(rows),
        nc3_self_duality=(rows / rows.norm() - means / means.norm()).square().sum(),
        nc4_agreement=_nearest_centre_agreement(batches, moments, weight, bias),
    )


class ClassMoments:
    """Counts, means and scatter of classes, added batch by batch and robust where the scatter is small.

    A batch's scatter is taken about its own class means and merged by the distance of the means (Chan, Golub & LeVeque,
    1983): no difference of large sums, so a spread of 1e-6 about means of size 1,000 is still right.

    >>> import torch
    >>> moments = ClassMoments(num_classes=2, dim=1)
    >>> moments.update(torch.tensor([[1.0], [3.0], [7.0]]), torch.tensor([0, 0, 1]))
    >>> moments.means.flatten().tolist(), moments.within.item()
    ([2.0, 7.0], 2.0)
    """

    counts: Float[Tensor, "class"]
    """Samples of each class."""
    means: Float[Tensor, "class dim"]
    """Mean of each class; 0 where it has no sample yet."""
    within: Float[Tensor, "dim dim"]
    """Sum over samples of (h - μ)(h - μ)ᵀ, about their class means."""
    spreads: Float[Tensor, "class"]
    """Sum over the samples of each class of ‖h - μ‖²."""

    def __init__(self, num_classes: int, dim: int, device: torch.device | None = None) -> None:
        self.counts = torch.zeros(num_classes, dtype=torch.float64, device=device)
        self.means = torch.zeros(num_classes, dim, dtype=torch.float64, device=device)
        self.within = torch.zeros(dim, dim, dtype=torch.float64, device=device)
        self.spreads = torch.zeros(num_classes, dtype=torch.float64, device=device)

    @torch.no_grad()
    def update(self, features: Shaped[Tensor, "..."], labels: Shaped[Tensor, "..."]) -> None:
        """Add a batch.

        Raises:
            ValueError: features that are no finite (n, d) matrix, or labels outside [0, C).
        """
        check_matrix("features", features)
        num_classes, dim = self.means.shape
        if features.shape[1] != dim:
            raise ValueError(f"features: expected {dim} dimensions, got {features.shape[1]}")
        check_labels("labels", labels, len(features), num_classes)
        labels = labels.to(self.means.device).long()
        batch = ClassMoments(num_classes, dim, self.means.device)
        features = features.to(self.means)
        # A product with the one-hot labels: it sums in the same order every time, on a GPU too.
        one_hot = F.one_hot(labels, num_classes).to(features)
        batch.counts = one_hot.sum(dim=0)
        batch.means = one_hot.mT @ features / batch.counts.clamp(min=1)[:, None]
        deviations = features - batch.means[labels]
        batch.within = deviations.mT @ deviations
        batch.spreads = one_hot.mT @ deviations.square().sum(dim=1)
        self.merge(batch)

    def merge(self, other: "ClassMoments") -> None:
        """Add the samples that another has seen, as of another process.

        Raises:
            ValueError: another number of classes or dimensions.
        """
        check_same_shape("self.means", self.means.shape, "other.means", other.means.shape)
        counts = self.counts + other.counts
        share = other.counts / counts.clamp(min=1)
        shift = other.means - self.means
        weights = self.counts * share  # n m / (n + m)
        self.within = self.within + other.within + (shift * weights[:, None]).mT @ shift
        self.spreads = self.spreads + other.spreads + weights * shift.square().sum(dim=1)
        self.means = self.means + share[:, None] * shift
        self.counts = counts

    @property
    def global_mean(self) -> Float[Tensor, "dim"]:
        """The mean of all samples: of the class means, each weighed by its samples."""
        return self.counts @ self.means / self.counts.sum()

    @property
    def centred_means(self) -> Float[Tensor, "class dim"]:
        """The class means minus their mean, in which each class counts the same."""
        return self.means - self.means.mean(dim=0)


def _within_over_between(moments: ClassMoments) -> Float[Tensor, ""]:
    shares = moments.counts / moments.counts.sum()
    weighted = shares.sqrt()[:, None] * (moments.means - moments.global_mean)  # Σ_B = AᵀA
    _, singular_values, directions = torch.linalg.svd(weighted, full_matrices=False)
    kept = singular_values > _rounding(moments.means)
    within = (directions @ (moments.within / moments.counts.sum()) * directions).sum(dim=1)
    return (within[kept] / singular_values[kept].square()).sum() / len(shares)


def _class_distance_normalised_variance(moments: ClassMoments) -> Float[Tensor, ""]:
    variances = moments.spreads / moments.counts
    distances = _distances(moments.means, moments.means).square()
    ratios = (variances[:, None] + variances[None, :]) / (2 * distances)
    return torch.where(distances > 0, ratios, torch.inf)[_pairs(ratios)].mean()


def _spread_of_lengths(vectors: Float[Tensor, "class dim"]) -> Float[Tensor, ""]:
    lengths = vectors.norm(dim=1)
    return lengths.std(correction=0) / lengths.mean()


def _spread_of_cosines(vectors: Float[Tensor, "class dim"]) -> Float[Tensor, ""]:
    unit = F.normalize(vectors, dim=1)
    cosines = unit @ unit.mT
    return cosines[_pairs(cosines)].std(correction=0)


def _distance_to_simplex(vectors: Float[Tensor, "class dim"]) -> Float[Tensor, ""]:
    products = vectors @ vectors.mT
    num_classes = len(vectors)
    simplex = (torch.eye(num_classes).to(vectors) - 1 / num_classes) / (num_classes - 1) ** 0.5
    return (products / products.norm() - simplex).norm()


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


def _distances(vectors_1: Float[Tensor, "n dim"], vectors_2: Float[Tensor, "m dim"]) -> Float[Tensor, "n m"]:
    """Euclidean distances, from differences: squares and products would cancel where an offset is large."""
    return torch.cdist(vectors_1, vectors_2, compute_mode="donot_use_mm_for_euclid_dist")


def _rounding(vectors: Float[Tensor, "class dim"]) -> Float[Tensor, ""]:
    """What may be left of a difference of these vectors that is 0 but for rounding."""
    return max(vectors.shape) * torch.finfo(vectors.dtype).eps * vectors.norm()


def _check_directions(name: str, centred: Float[Tensor, "class dim"], vectors: Float[Tensor, "class dim"]) -> None:
    central = centred.norm(dim=1) <= _rounding(vectors)
    if central.any():
        raise ValueError(
            f"{name}: expected rows away from their mean, got {int(central.sum())} of {len(central)} there, "
            f"without a direction (first: class {int(central.nonzero()[0])})"
        )


def _pairs(square: Float[Tensor, "class class"]) -> Bool[Tensor, "class class"]:
    """The places of two different classes."""
    return ~torch.eye(len(square), dtype=torch.bool, device=square.device)
