"""Counts, means and scatter of classes, which are all that neural collapse needs to know about the samples."""

import torch
from jaxtyping import Bool, Float, Int, Shaped
from torch import Tensor

from grok.information.checks import check_integer, check_labels, check_matrix, check_same_shape


class ClassMoments:
    """Counts, means and scatter of classes, accumulated batch by batch and accurate also for small scatter.

    The scatter of a batch is taken about its own class means, and batches are merged by the distance of their means
    (Chan, Golub & LeVeque, 1983). No large sums are subtracted, so a spread of 1e-6 about means of size 1,000 is still
    accurate.

    Raises:
        ValueError: if the number of classes or dimensions is not an integer of at least 1.

    >>> import torch
    >>> moments = ClassMoments(num_classes=2, dim=1)
    >>> moments.update(torch.tensor([[1.0], [3.0], [7.0]]), torch.tensor([0, 0, 1]))
    >>> moments.means.flatten().tolist(), moments.within.item()
    ([2.0, 7.0], 2.0)
    """

    counts: Float[Tensor, "*batch class"]
    """Number of samples of each class."""
    means: Float[Tensor, "*batch class dim"]
    """Mean of each class, which is 0 while the class has no samples."""
    within: Float[Tensor, "*batch dim dim"]
    """Sum over samples of (h - μ)(h - μ)ᵀ, where μ is the class mean."""
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
        """Return an object with the given moments, which are those of one or more sets of samples."""
        moments = cls.__new__(cls)
        moments.counts, moments.means, moments.within, moments.spreads = counts, means, within, spreads
        return moments

    @classmethod
    @torch.no_grad()
    def of_samples(
        cls, features: Float[Tensor, "n dim"], labels: Int[Tensor, "n"], *, num_classes: int
    ) -> "ClassMoments":
        """Return the moments of one batch.

        Samples with a negative label are ignored. Nothing is checked, so that the host need not wait for a GPU.
        """
        features = features.double()
        counted, labels = labels >= 0, labels.clamp(min=0)
        counts = _sums(counted.double(), labels, num_classes)
        means = _sums(torch.where(counted[:, None], features, 0.0), labels, num_classes)
        means = means / counts.clamp(min=1)[:, None]
        deviations = torch.where(counted[:, None], features - means[labels], 0.0)
        return cls.of(
            counts=counts,
            means=means,
            within=deviations.mT @ deviations,
            spreads=_sums(deviations.square().sum(dim=1), labels, num_classes),
        )

    @torch.no_grad()
    def update(self, features: Shaped[Tensor, "..."], labels: Shaped[Tensor, "..."]) -> None:
        """Add a batch.

        Raises:
            ValueError: if the features are not a finite (n, d) matrix, or if a label is outside [0, C).
        """
        check_matrix("features", features)
        num_classes, dim = self.means.shape
        if features.shape[1] != dim:
            raise ValueError(f"features: expected {dim} dimensions, got {features.shape[1]}")
        check_labels("labels", labels, len(features), num_classes)
        labels = labels.to(self.means.device).long()
        self.merge(ClassMoments.of_samples(features.to(self.means), labels, num_classes=num_classes))

    def merge(self, other: "ClassMoments") -> None:
        """Add the samples that another object has accumulated, for example in another process.

        Raises:
            ValueError: if the number of classes or dimensions differs.
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
        """Mask of the classes that have samples."""
        return self.counts > 0

    @property
    def global_mean(self) -> Float[Tensor, "*batch dim"]:
        """Mean of all samples, that is, the mean of the class means weighted by their numbers of samples."""
        shares = self.counts / self.counts.sum(dim=-1, keepdim=True)
        return (shares[..., None, :] @ self.means).squeeze(-2)

    @property
    def centred_means(self) -> Float[Tensor, "*batch class dim"]:
        """Class means minus their unweighted mean; the row of a class without samples is 0."""
        return centred(self.means, self.present)

    @property
    def between(self) -> Float[Tensor, "*batch dim dim"]:
        """Sum over samples of (μ - μ_G)(μ - μ_G)ᵀ. With `within` it adds up to the scatter about the global mean."""
        deviations = self.means - self.global_mean[..., None, :]
        return (self.counts[..., None] * deviations).mT @ deviations


def _sums(
    values: Float[Tensor, "n *shape"], labels: Int[Tensor, "n"], num_classes: int
) -> Float[Tensor, "class *shape"]:
    """Return the sum of the values with each label."""
    if values.device.type == "cpu":
        return values.new_zeros(num_classes, *values.shape[1:]).index_add(0, labels, values)
    # A product with the one-hot labels sums in the same order every time, also on a GPU.
    return (torch.arange(num_classes, device=labels.device)[:, None] == labels).to(values) @ values


def centred(
    vectors: Float[Tensor, "*batch class dim"], present: Bool[Tensor, "*batch class"]
) -> Float[Tensor, "*batch class dim"]:
    """Return the rows that are present minus their mean, and 0 in place of the others."""
    mean = mean_of(vectors.mT, present[..., None, :])
    return torch.where(present[..., None], vectors - mean[..., None, :], 0.0)


def mean_of(values: Float[Tensor, "*batch n"], chosen: Bool[Tensor, "*#batch n"]) -> Float[Tensor, "*batch"]:
    """Return the mean of the chosen values along the last axis."""
    return torch.where(chosen, values, 0.0).sum(dim=-1) / chosen.sum(dim=-1)
