"""Counts, means and scatter of classes: all that neural collapse needs of the samples."""

import torch
from jaxtyping import Bool, Float, Int, Shaped
from torch import Tensor

from grok.information.checks import check_integer, check_labels, check_matrix, check_same_shape


class ClassMoments:
    """Counts, means and scatter of classes, added batch by batch and robust where the scatter is small.

    A batch's scatter is taken about its own class means and merged by the distance of the means (Chan, Golub & LeVeque,
    1983): no difference of large sums, so a spread of 1e-6 about means of size 1,000 is still right.

    Raises:
        ValueError: a number of classes or dimensions that is no integer of at least 1.

    >>> import torch
    >>> moments = ClassMoments(num_classes=2, dim=1)
    >>> moments.update(torch.tensor([[1.0], [3.0], [7.0]]), torch.tensor([0, 0, 1]))
    >>> moments.means.flatten().tolist(), moments.within.item()
    ([2.0, 7.0], 2.0)
    """

    counts: Float[Tensor, "*batch class"]
    """Samples of each class."""
    means: Float[Tensor, "*batch class dim"]
    """Mean of each class; 0 where it has no sample yet."""
    within: Float[Tensor, "*batch dim dim"]
    """Sum over samples of (h - μ)(h - μ)ᵀ, about their class means."""
    spreads: Float[Tensor, "*batch class"]
    """Sum over the samples of each class of ‖h - μ‖²."""

    def __init__(self, num_classes: int, dim: int, device: torch.device | None = None) -> None:
        check_integer("num_classes", num_classes, 1)
        check_integer("dim", dim, 1)
        self.counts = torch.zeros(num_classes, dtype=torch.float64, device=device)
        self.means = torch.zeros(num_classes, dim, dtype=torch.float64, device=device)
        self.within = torch.zeros(dim, dim, dtype=torch.float64, device=device)
        self.spreads = torch.zeros(num_classes, dtype=torch.float64, device=device)

    @classmethod
    def of(
        cls,
        *,
        counts: Float[Tensor, "*batch class"],
        means: Float[Tensor, "*batch class dim"],
        within: Float[Tensor, "*batch dim dim"],
        spreads: Float[Tensor, "*batch class"],
    ) -> "ClassMoments":
        """Moments that are known, of one set of samples or of many."""
        moments = cls.__new__(cls)
        moments.counts, moments.means, moments.within, moments.spreads = counts, means, within, spreads
        return moments

    @classmethod
    @torch.no_grad()
    def of_samples(
        cls, features: Float[Tensor, "n dim"], labels: Int[Tensor, "n"], *, num_classes: int
    ) -> "ClassMoments":
        """The moments of one batch; device work alone, so nothing is checked. A negative label counts for nothing."""
        features = features.double()
        # A product with the one-hot labels: it sums in the same order every time, on a GPU too.
        one_hot = (labels[:, None] == torch.arange(num_classes, device=labels.device)).double()
        counts = one_hot.sum(dim=0)
        means = one_hot.mT @ features / counts.clamp(min=1)[:, None]
        counted = (labels >= 0)[:, None]
        deviations = torch.where(counted, features - means[labels.clamp(min=0)], 0.0)
        return cls.of(
            counts=counts,
            means=means,
            within=deviations.mT @ deviations,
            spreads=one_hot.mT @ deviations.square().sum(dim=1),
        )

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
        self.merge(ClassMoments.of_samples(features.to(self.means), labels, num_classes=num_classes))

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
    def present(self) -> Bool[Tensor, "*batch class"]:
        """Which classes have a sample."""
        return self.counts > 0

    @property
    def global_mean(self) -> Float[Tensor, "*batch dim"]:
        """The mean of all samples: of the class means, each weighed by its samples."""
        shares = self.counts / self.counts.sum(dim=-1, keepdim=True)
        return (shares[..., None, :] @ self.means).squeeze(-2)

    @property
    def centred_means(self) -> Float[Tensor, "*batch class dim"]:
        """The class means minus their mean, in which each class counts the same; 0 for a class without a sample."""
        return centred(self.means, self.present)

    @property
    def between(self) -> Float[Tensor, "*batch dim dim"]:
        """Sum over samples of (μ - μ_G)(μ - μ_G)ᵀ; it and `within` add up to the scatter about the global mean."""
        deviations = self.means - self.global_mean[..., None, :]
        return (self.counts[..., None] * deviations).mT @ deviations


def centred(
    vectors: Float[Tensor, "*batch class dim"], present: Bool[Tensor, "*batch class"]
) -> Float[Tensor, "*batch class dim"]:
    """The rows that are present minus their mean, the others 0."""
    mean = mean_of(vectors.mT, present[..., None, :])
    return torch.where(present[..., None], vectors - mean[..., None, :], 0.0)


def mean_of(values: Float[Tensor, "*batch n"], chosen: Bool[Tensor, "*#batch n"]) -> Float[Tensor, "*batch"]:
    """The mean of the chosen values along the last axis."""
    return torch.where(chosen, values, 0.0).sum(dim=-1) / chosen.sum(dim=-1)
