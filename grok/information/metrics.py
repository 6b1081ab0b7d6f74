"""MIR, HDR and matrix entropy as torchmetrics objects; this module needs the extra `metrics` (torchmetrics)."""

from typing import Any

import torch
from jaxtyping import Float, Shaped
from torch import Tensor
from torchmetrics import Metric
from torchmetrics.utilities import dim_zero_cat

from grok.information.checks import check_integer, check_positive, check_same_shape, check_vectors
from grok.information.entropy import density_entropy, gram_entropy
from grok.information.estimate import estimate_interplay
from grok.information.gram import unit_rows
from grok.information.interplay import interplay_of_entropies


class MatrixEntropy(Metric):
    """Matrix entropy (nats) of all vectors seen, that is, `gram_entropy` of their union. It keeps d×d numbers.

    >>> import torch
    >>> metric = MatrixEntropy(num_features=3)
    >>> for batch in torch.eye(3).split(1):
    ...     metric.update(batch)
    >>> metric.compute()         # log 3
    tensor(1.0986)
    """

    is_differentiable = False
    higher_is_better = None
    full_state_update = False
    plot_lower_bound = 0.0

    second_moment: Float[Tensor, "d d"]
    count: Shaped[Tensor, ""]

    def __init__(self, num_features: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        check_integer("num_features", num_features, 1)
        self.add_state("second_moment", torch.zeros(num_features, num_features).double(), dist_reduce_fx="sum")
        self.add_state("count", torch.tensor(0), dist_reduce_fx="sum")

    def update(self, vectors: Shaped[Tensor, "..."]) -> None:
        """Add a batch of vectors, shape (n, num_features).

        Raises:
            ValueError: if `gram` would reject the vectors, or if their dimension is not num_features.
        """
        check_vectors("vectors", vectors)
        check_same_shape("num_features", self.second_moment.shape[1:], "the last axis of vectors", vectors.shape[1:])
        unit = unit_rows(vectors.detach().double())
        self.second_moment += unit.mT @ unit
        self.count += len(unit)

    def compute(self) -> Float[Tensor, ""]:
        """Return the entropy in nats as float32; it is NaN before the first update."""
        if self.count == 0:
            return torch.tensor(torch.nan, device=self.second_moment.device)
        return density_entropy(self.second_moment / self.count).float()

    def plot(self, val: Any = None, ax: Any = None) -> Any:
        """Plot one or several values with matplotlib; returns the figure and its axes."""
        return self._plot(val, ax)


class _InterplayMetric(Metric):
    """Base of the metrics that keep the features and head rows of all samples, which are n · (d1 + d2) numbers.

    The value is that of the whole set, not a mean over batches.
    """

    is_differentiable = False
    full_state_update = False
    plot_lower_bound = 0.0
    plot_upper_bound = 1.0

    features: list[Tensor]
    head_rows: list[Tensor]

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.add_state("features", default=[], dist_reduce_fx="cat")
        self.add_state("head_rows", default=[], dist_reduce_fx="cat")

    def update(self, features: Shaped[Tensor, "..."], head_rows: Shaped[Tensor, "..."]) -> None:
        """Add a batch of features, shape (n, d1), and the head rows of their labels, `head.weight[labels]`, (n, d2).

        Raises:
            ValueError: if `gram_interplay` would reject the vectors.
        """
        check_vectors("features", features)
        check_vectors("head_rows", head_rows)
        check_same_shape("features without its last axis", features.shape[:-1], "head_rows", head_rows.shape[:-1])
        self.features.append(features.detach())
        self.head_rows.append(head_rows.detach())

    def plot(self, val: Any = None, ax: Any = None) -> Any:
        """Plot one or several values with matplotlib; returns the figure and its axes."""
        return self._plot(val, ax)


class MatrixMutualInformationRatio(_InterplayMetric):
    """MIR of all samples' features with the head rows of their labels; see `interplay`.

    The value is exact for up to 1,024 samples, and for more samples whenever `estimate_interplay` is exact. Otherwise
    it is estimated to `rtol`, from at most `num_probes` random vectors drawn with this `seed`.

    >>> import torch
    >>> metric = MatrixMutualInformationRatio()
    >>> for batch in torch.eye(4).split(2):
    ...     metric.update(batch, 2 * batch)
    >>> metric.compute()
    tensor(1.)
    """

    higher_is_better = None

    def __init__(self, *, rtol: float = 0.01, num_probes: int = 512, seed: int = 0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        check_positive("rtol", rtol)
        check_integer("num_probes", num_probes, 2)
        check_integer("seed", seed)
        self.rtol = rtol
        self.num_probes = num_probes
        self.seed = seed

    def compute(self) -> Float[Tensor, ""]:
        """Return the ratio, a fraction in [0, 1]."""
        head, labels = dim_zero_cat(self.head_rows).unique(dim=0, return_inverse=True)
        features = dim_zero_cat(self.features)
        estimate = estimate_interplay(
            features, head, labels, rtol=self.rtol, num_probes=self.num_probes, seed=self.seed
        )
        return estimate.value.mir


class MatrixEntropyDifferenceRatio(_InterplayMetric):
    """HDR of all samples' features with the head rows of their labels; see `interplay`.

    >>> import torch
    >>> metric = MatrixEntropyDifferenceRatio()
    >>> metric.update(torch.eye(4), torch.eye(4) - 0.25)         # 1 - log 3 / log 4
    >>> metric.compute()
    tensor(0.2075)
    """

    higher_is_better = None

    def compute(self) -> Float[Tensor, ""]:
        """Return the ratio, a fraction in [0, 1]."""
        features, head_rows = dim_zero_cat(self.features), dim_zero_cat(self.head_rows)
        entropy_1, entropy_2 = gram_entropy(features), gram_entropy(head_rows)
        # HDR does not depend on the joint entropy, whose computation would take long.
        n = max(min(features.shape), min(head_rows.shape))
        return interplay_of_entropies(entropy_1, entropy_2, joint=entropy_1, n=n).hdr
