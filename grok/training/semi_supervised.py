"""FixMatch and FreeMatch: what a network predicts of weak views is what it learns to predict of strong ones."""

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
    """Which predictions are sure enough to be labels."""

    @abstractmethod
    def forward(self, probabilities: Float[Tensor, "sample class"]) -> Bool[Tensor, "sample"]:
        """Of a batch's weak views: whether each is."""

    @abstractmethod
    def fairness(self, predictions: Float[Tensor, "sample class"], used: Bool[Tensor, "sample"]) -> Float[Tensor, ""]:
        """A loss that keeps the predictions of strong views spread over the classes; 0 without."""

    def settings(self) -> dict[str, object]:
        """The settings of the thresholds that are not tensors."""
        return {"thresholds": type(self).__name__}

    @abstractmethod
    def value(self) -> Float[Tensor, ""]:
        """The confidence that the surest class asks for."""


class FixedThreshold(Thresholds):
    """One confidence for all classes and steps: FixMatch (Sohn et al., NeurIPS 2020)."""

    def __init__(self, confidence: float, device: torch.device) -> None:
        super().__init__()
        self.register_buffer("confidence", torch.tensor(confidence, device=device))

    def forward(self, probabilities: Float[Tensor, "sample class"]) -> Bool[Tensor, "sample"]:
        """Those of at least this confidence."""
        return probabilities.amax(dim=-1) >= self.get_buffer("confidence")

    def fairness(self, predictions: Float[Tensor, "sample class"], used: Bool[Tensor, "sample"]) -> Float[Tensor, ""]:
        """None."""
        return predictions.new_zeros(())

    def value(self) -> Float[Tensor, ""]:
        """The confidence."""
        return self.get_buffer("confidence")


class AdaptiveThresholds(Thresholds):
    r"""Confidences that follow the network, one a class: FreeMatch (Wang et al., ICLR 2023).

    With q the predictions of a batch's weak views, moving averages of decay $\lambda$, all 1/C at first, are kept of
    their confidence, $\tau$ (equation 5), of the predictions, $\tilde p$ (equation 6), and of how often each class is
    the predicted one, $\tilde h$ (equation 10). Class c asks for $\tau \tilde p_c / \max \tilde p$ (equation 7).
    """

    def __init__(self, num_classes: int, decay: float, device: torch.device) -> None:
        super().__init__()
        self._decay = decay
        self.register_buffer("confidence", torch.full((), 1 / num_classes, device=device))
        self.register_buffer("predicted", torch.full((num_classes,), 1 / num_classes, device=device))
        self.register_buffer("histogram", torch.full((num_classes,), 1 / num_classes, device=device))

    def forward(self, probabilities: Float[Tensor, "sample class"]) -> Bool[Tensor, "sample"]:
        """Follow the batch; then those that their class's confidence lets through."""
        confidence, classes = probabilities.max(dim=-1)
        self._follow("confidence", confidence.mean())
        self._follow("predicted", probabilities.mean(dim=0))
        self._follow("histogram", _frequencies(classes, torch.ones_like(confidence), len(self.get_buffer("predicted"))))
        predicted = self.get_buffer("predicted")
        asked_for = self.get_buffer("confidence") * predicted / predicted.max()
        return confidence >= asked_for[classes]

    def fairness(self, predictions: Float[Tensor, "sample class"], used: Bool[Tensor, "sample"]) -> Float[Tensor, ""]:
        r"""$-H(\mathrm{SumNorm}(\tilde p / \tilde h), \mathrm{SumNorm}(\bar p / \bar h))$, a cross-entropy in nats.

        $\bar p$ and $\bar h$ are the mean prediction of the strong views that are used, and how often each class is
        predicted there (equation 11); a class that is not adds a constant, without a gradient. 0 if none is used.
        """
        weights = used.to(predictions.dtype)
        share = weights / weights.sum().clamp(min=1)
        mean = (share[:, None] * predictions).sum(dim=0)
        frequencies = _frequencies(predictions.argmax(dim=-1), share, predictions.shape[-1])
        expected = _sum_to_one(_ratio(self.get_buffer("predicted"), self.get_buffer("histogram")))
        found = _sum_to_one(_ratio(mean, frequencies))
        return torch.where(used.any(), (expected * (found + SMALLEST).log()).sum(), 0.0)

    def value(self) -> Float[Tensor, ""]:
        r"""$\tau$, which the class that is predicted most asks for."""
        return self.get_buffer("confidence")

    def settings(self) -> dict[str, object]:
        """The kind of the thresholds, and the decay of their averages."""
        return super().settings() | {"threshold_decay": self._decay}

    def _follow(self, name: str, value: Tensor) -> None:
        average = self.get_buffer(name)
        average.mul_(self._decay).add_(value.to(average.dtype), alpha=1 - self._decay)  # lerp_ has no rule to stack by


def _frequencies(
    classes: Int[Tensor, "sample"], weights: Float[Tensor, "sample"], num_classes: int
) -> Float[Tensor, "class"]:
    """How often each class is there, as a share of the weights."""
    found = (F.one_hot(classes, num_classes) * weights[:, None]).sum(dim=0)
    return found / weights.sum().clamp(min=SMALLEST)


def _ratio(mean: Float[Tensor, "class"], frequencies: Float[Tensor, "class"]) -> Float[Tensor, "class"]:
    """Their quotient, 0 for a class that is never there."""
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
    """A criterion on labelled batches, and cross-entropy of strong views with what weak views are predicted to be.

    Labelled samples, weak and strong views pass through the network together. A term of information, if wanted, is of
    the labelled samples and those strong views whose pseudo-labels are used.
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
        """`unlabelled` has a weak and a strong view; its targets are there to measure the pseudo-labels alone."""
        super().__init__(batches, criterion, term)
        self.unlabelled = unlabelled
        self.thresholds = thresholds
        self._unlabelled_weight, self._fairness_weight = unlabelled_weight, fairness_weight
        device = unlabelled.get_buffer("targets").device
        for column in COLUMNS:
            self.register_buffer(_buffer(column), torch.tensor(torch.nan, device=device))

    def settings(self) -> dict[str, object]:
        """The settings of any objective, both weights, and the settings of the thresholds."""
        weights = {"unlabelled_weight": self._unlabelled_weight, "fairness_weight": self._fairness_weight}
        return super().settings() | weights | self.thresholds.settings()

    def prepare(self, first: int, count: int, *, order: int) -> None:
        """Draw both kinds of batches."""
        super().prepare(first, count, order=order)
        self.unlabelled.prepare(first, count, order=order)

    def forward(self, features: Features, head: nn.Linear) -> Float[Tensor, ""]:
        """The loss of the next batches."""
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
        """The parts of the loss, the threshold, the share of pseudo-labels that are used, and of those that are right.

        The last is NaN where none is used.
        """
        parts = {column: self.get_buffer(_buffer(column)) for column in COLUMNS}
        return parts | {"pseudo_labels/threshold": self.thresholds.value()} | super().values()

    def state(self) -> dict[str, Tensor]:
        """The parts of the loss, what the thresholds follow, and that of the term."""
        parts = {_buffer(column): self.get_buffer(_buffer(column)) for column in COLUMNS}
        of_thresholds = {f"thresholds.{name}": tensor for name, tensor in self.thresholds.named_buffers()}
        of_term = {f"term.{name}": tensor for name, tensor in super().state().items()}
        return parts | of_thresholds | of_term


def _buffer(column: str) -> str:
    return column.replace("/", "_")
