"""FixMatch and FreeMatch, which train the network to predict for strong views what it predicts for weak views."""

from abc import ABC, abstractmethod

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from grok.training.batches import Batches
from grok.training.information_term import InformationTerm
from grok.training.loss import Criterion
from grok.training.objective import Features, OnBatches

SMALLEST = 1e-12  # added to a probability before its logarithm


class Thresholds(nn.Module, ABC):
    """The rule that selects the predictions that serve as pseudo-labels."""

    @abstractmethod
    def forward(self, probabilities: Float[Tensor, "sample class"]) -> Bool[Tensor, "sample"]:
        """Return which predictions of the weak views of a batch are used."""

    @abstractmethod
    def fairness(self, predictions: Float[Tensor, "sample class"], used: Bool[Tensor, "sample"]) -> Float[Tensor, ""]:
        """Return a loss that keeps the predictions of strong views spread over the classes; without one it is 0."""

    @abstractmethod
    def value(self) -> Float[Tensor, ""]:
        """Return the highest confidence threshold of all classes."""


class FixedThreshold(Thresholds):
    """One confidence threshold for all classes and steps, as in FixMatch (Sohn et al., NeurIPS 2020)."""

    def __init__(self, confidence: float, device: torch.device) -> None:
        super().__init__()
        self.register_buffer("confidence", torch.tensor(confidence, device=device))

    def forward(self, probabilities: Float[Tensor, "sample class"]) -> Bool[Tensor, "sample"]:
        """Return which predictions have at least this confidence."""
        return probabilities.amax(dim=-1) >= self.get_buffer("confidence")

    def fairness(self, predictions: Float[Tensor, "sample class"], used: Bool[Tensor, "sample"]) -> Float[Tensor, ""]:
        """Return 0, since FixMatch has no fairness loss."""
        return predictions.new_zeros(())

    def value(self) -> Float[Tensor, ""]:
        """Return the confidence threshold."""
        return self.get_buffer("confidence")


class AdaptiveThresholds(Thresholds):
    r"""Confidence thresholds per class that adapt to the network, as in FreeMatch (Wang et al., ICLR 2023).

    Three moving averages with decay $\lambda$, all 1/C at first, follow the predictions of the weak views of each
    batch. They are the mean confidence $\tau$ (equation 5), the mean prediction $\tilde p$ (equation 6), and the
    frequency $\tilde h$ of each predicted class (equation 10). The threshold of class c is
    $\tau \tilde p_c / \max \tilde p$ (equation 7).
    """

    def __init__(self, num_classes: int, decay: float, device: torch.device) -> None:
        super().__init__()
        self._decay = decay
        self.register_buffer("confidence", torch.full((), 1 / num_classes, device=device))
        self.register_buffer("predicted", torch.full((num_classes,), 1 / num_classes, device=device))
        self.register_buffer("histogram", torch.full((num_classes,), 1 / num_classes, device=device))

    def forward(self, probabilities: Float[Tensor, "sample class"]) -> Bool[Tensor, "sample"]:
        """Update the averages by the batch, and return which predictions reach the threshold of their class."""
        confidence, classes = probabilities.max(dim=-1)
        self._follow("confidence", confidence.mean())
        self._follow("predicted", probabilities.mean(dim=0))
        self._follow("histogram", _frequencies(classes, torch.ones_like(confidence), len(self.get_buffer("predicted"))))
        predicted = self.get_buffer("predicted")
        asked_for = self.get_buffer("confidence") * predicted / predicted.max()
        return confidence >= asked_for[classes]

    def fairness(self, predictions: Float[Tensor, "sample class"], used: Bool[Tensor, "sample"]) -> Float[Tensor, ""]:
        r"""Return $-H(\mathrm{SumNorm}(\tilde p / \tilde h), \mathrm{SumNorm}(\bar p / \bar h))$ in nats (equation 11).

        Here H is a cross-entropy, $\bar p$ is the mean prediction of the strong views that are used, and $\bar h$ is
        the frequency of each predicted class among them. A class that is not predicted adds a constant without a
        gradient. The loss is 0 if no view is used.
        """
        weights = used.to(predictions.dtype)
        share = weights / weights.sum().clamp(min=1)
        mean = (share[:, None] * predictions).sum(dim=0)
        frequencies = _frequencies(predictions.argmax(dim=-1), share, predictions.shape[-1])
        expected = _sum_to_one(_ratio(self.get_buffer("predicted"), self.get_buffer("histogram")))
        found = _sum_to_one(_ratio(mean, frequencies))
        return torch.where(used.any(), (expected * (found + SMALLEST).log()).sum(), 0.0)

    def value(self) -> Float[Tensor, ""]:
        r"""Return $\tau$, the threshold of the class with the highest mean prediction."""
        return self.get_buffer("confidence")

    def _follow(self, name: str, value: Tensor) -> None:
        average = self.get_buffer(name)
        average.mul_(self._decay).add_(value.to(average.dtype), alpha=1 - self._decay)  # lerp_ has no batching rule


def _frequencies(
    classes: Int[Tensor, "sample"], weights: Float[Tensor, "sample"], num_classes: int
) -> Float[Tensor, "class"]:
    """Return the share of each class in the total weight."""
    found = (F.one_hot(classes, num_classes) * weights[:, None]).sum(dim=0)
    return found / weights.sum().clamp(min=SMALLEST)


def _ratio(mean: Float[Tensor, "class"], frequencies: Float[Tensor, "class"]) -> Float[Tensor, "class"]:
    """Return the quotient; it is 0 for a class that does not occur."""
    return torch.where(frequencies > 0, mean / frequencies.clamp(min=SMALLEST), 0.0)


def _sum_to_one(values: Float[Tensor, "class"]) -> Float[Tensor, "class"]:
    return values / values.sum().clamp(min=SMALLEST)


COLUMNS = (
    "objective/labelled",
    "objective/consistency",
    "objective/fairness",
    "pseudo_labels/used",
    "pseudo_labels/accuracy",
)


class SemiSupervised(OnBatches):
    """A criterion on labelled batches, and cross-entropy of strong views with the pseudo-labels of weak views.

    Labelled samples, weak views and strong views pass through the network together. An information loss, if there is
    one, uses the labelled samples and the strong views whose pseudo-labels are used.
    """

    def __init__(
        self,
        batches: Batches,
        unlabelled: Batches,
        criterion: Criterion,
        thresholds: Thresholds,
        *,
        unlabelled_weight: float,
        fairness_weight: float,
        term: InformationTerm | None = None,
    ) -> None:
        """Take `unlabelled` batches with a weak and a strong view; their targets only measure pseudo-labels."""
        super().__init__(batches, criterion, term)
        self.unlabelled = unlabelled
        self.thresholds = thresholds
        self._unlabelled_weight, self._fairness_weight = unlabelled_weight, fairness_weight
        device = unlabelled.get_buffer("targets").device
        for column in COLUMNS:
            self.register_buffer(_buffer(column), torch.tensor(torch.nan, device=device))

    def prepare(self, first: int, count: int, *, order: int) -> None:
        """Draw the labelled and the unlabelled batches of `count` steps."""
        super().prepare(first, count, order=order)
        self.unlabelled.prepare(first, count, order=order)

    def forward(self, features: Features, head: nn.Linear) -> Float[Tensor, ""]:
        """Return the loss of the next batches."""
        inputs, targets = self.batches()
        weak, strong, true = self.unlabelled()
        sizes = [len(inputs), len(weak), len(strong)]
        representations = features(torch.cat([inputs, weak, strong]))
        of_labelled, of_weak, of_strong = head(representations).split(sizes)

        probabilities = of_weak.detach().softmax(dim=-1)
        used = self.thresholds(probabilities)
        pseudo = probabilities.argmax(dim=-1)

        labelled = self.criterion(of_labelled, targets)
        consistency = (used * F.cross_entropy(of_strong, pseudo, reduction="none")).mean()
        fairness = self.thresholds.fairness(of_strong.softmax(dim=-1), used)
        right = (used & (pseudo == true)).sum() / used.sum()
        for column, value in zip(COLUMNS, (labelled, consistency, fairness, used.float().mean(), right), strict=True):
            self.get_buffer(_buffer(column)).copy_(value.detach())

        loss = labelled + self._unlabelled_weight * consistency + self._fairness_weight * fairness
        if self.term is None:
            return loss
        first, _, third = representations.split(sizes)
        counted = torch.cat([torch.ones_like(targets, dtype=torch.bool), used])
        return loss + self.term(torch.cat([first, third]), head.weight, torch.cat([targets, pseudo]), counted)

    def values(self) -> dict[str, Tensor]:
        """Return the parts of the loss, the threshold, and the fractions of pseudo-labels that are used and right.

        The accuracy of the used pseudo-labels is NaN if none is used.
        """
        parts = {column: self.get_buffer(_buffer(column)) for column in COLUMNS}
        return parts | {"pseudo_labels/threshold": self.thresholds.value()} | super().values()

    def state(self) -> dict[str, Tensor]:
        """Return the parts of the loss, the averages of the thresholds, and the state of the information loss."""
        parts = {_buffer(column): self.get_buffer(_buffer(column)) for column in COLUMNS}
        of_thresholds = {f"thresholds.{name}": tensor for name, tensor in self.thresholds.named_buffers()}
        of_term = {f"term.{name}": tensor for name, tensor in super().state().items()}
        return parts | of_thresholds | of_term


def _buffer(column: str) -> str:
    return column.replace("/", "_")
