"""Objectives: the loss that each step minimises, on all training samples or on batches."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from functools import partial
from typing import ClassVar, NamedTuple

from jaxtyping import Float
from torch import Tensor, nn

from grok.models import Classifier
from grok.training.batches import Batches
from grok.training.chunks import Chunks
from grok.training.information_term import InformationTerm
from grok.training.loss import Criterion
from grok.training.snapshot import Known, Samples

Features = Callable[[Tensor], Tensor]
"""Returns the features of inputs in training, in float32 whatever the precision of the products."""


class Begun(NamedTuple):
    """A step whose loss has been begun, before the measurement."""

    known: Known | None
    """Results on the measured training samples, if the step has computed them."""
    loss: Callable[[], Float[Tensor, ""]]
    """Computes the loss of the step after the measurement."""


class Objective(nn.Module, ABC):
    """The criterion that a training minimises, with or without an information loss.

    All tensors of an objective are buffers, so that many objectives can be stacked.
    """

    on_batches: ClassVar[bool] = False
    """Whether a step uses batches instead of all training samples at once."""

    def __init__(self, criterion: Criterion, term: InformationTerm | None = None) -> None:
        super().__init__()
        self.criterion = criterion
        self.term = term

    @abstractmethod
    def begin(self, model: Classifier, features: Features, train: Samples) -> Begun:
        """Begin a step of a network; `features` computes its features in training, and `train` is what is measured."""

    def prepare(self, first: int, count: int, *, order: int) -> None:
        """Prepare `count` steps of a phase, starting at its step `first`, in the given seeded order."""
        if self.term:
            self.term.prepare(first, count, order=order)

    def switch_off_term(self) -> None:
        """Add no information loss from now on; its measurement continues, restarted as at step 0."""
        if self.term:
            self.term.switch_off()

    @property
    def in_chunks(self) -> bool:
        """Whether the training samples are computed in chunks."""
        return False

    def divide(self, model: Classifier, train: Samples) -> None:
        """Compute the training samples of a network in chunks from now on; an objective that cannot ignores this."""

    def compute_whole(self) -> None:
        """Compute all training samples at once from now on."""

    @property
    def to_lower(self) -> list[str]:
        """The settings that may be too large if the loss is not finite."""
        return ["the size of information.weight"] if self.term else []

    def values(self) -> dict[str, Tensor]:
        """Return the scalars of the last step to record, by column, as the tensors themselves."""
        return self.term.values() if self.term else {}

    def state(self) -> dict[str, Tensor]:
        """Return the tensors themselves on which later steps and records depend, by name."""
        return self.term.state() if self.term else {}


class FullBatch(Objective):
    """A criterion on all training samples at once.

    The probes measure the same samples. If the network computes the same in training and evaluation, one pass serves
    both. On a CPU the samples of a single network can be computed in chunks, unless an information loss needs the
    features of all of them at once.
    """

    per_member = ("_chunks",)

    def __init__(self, criterion: Criterion, term: InformationTerm | None = None) -> None:
        super().__init__(criterion, term)
        self._chunks: Chunks | None = None

    @property
    def in_chunks(self) -> bool:
        """Whether the training samples are computed in chunks."""
        return self._chunks is not None

    def divide(self, model: Classifier, train: Samples) -> None:
        """Compute the training samples of a network in chunks from now on, if that is possible."""
        possible = model.head.weight.device.type == "cpu" and self.term is None and not _differs_in_training(model)
        self._chunks = Chunks(model, train, self.criterion) if possible else None

    def compute_whole(self) -> None:
        """Compute all training samples at once from now on."""
        self._chunks = None

    def begin(self, model: Classifier, features: Features, train: Samples) -> Begun:
        """Pass all samples through the network; the information loss is added after the measurement."""
        if self._chunks:
            known = self._chunks()
            return Begun(known, lambda: known.loss)
        if _differs_in_training(model):
            return Begun(None, lambda: self._loss(self._passed(model, features, train), model.head, train))
        known = self._passed(model, features, train)
        return Begun(known, partial(self._loss, known, model.head, train))

    def _passed(self, model: Classifier, features: Features, train: Samples) -> Known:
        representations = features(train.inputs)
        logits = model.head(representations)
        return Known(representations, logits, self.criterion(logits, train.targets))

    def _loss(self, known: Known, head: nn.Linear, train: Samples) -> Float[Tensor, ""]:
        return known.loss + self.term(known.features, head.weight, train.targets) if self.term else known.loss


def _differs_in_training(model: Classifier) -> bool:
    """Return whether a layer computes differently in training and evaluation, as batch normalisation and dropout do."""
    kinds = (nn.modules.batchnorm._BatchNorm, nn.modules.dropout._DropoutNd)
    return any(isinstance(module, kinds) for module in model.modules())


class OnBatches(Objective):
    """A criterion on batches of labelled samples, to which a subclass may add other losses."""

    on_batches = True

    def __init__(self, batches: Batches, criterion: Criterion, term: InformationTerm | None = None) -> None:
        super().__init__(criterion, term)
        self.batches = batches

    @abstractmethod
    def forward(self, features: Features, head: nn.Linear) -> Float[Tensor, ""]:
        """Return the loss of the next step."""

    def begin(self, model: Classifier, features: Features, train: Samples) -> Begun:
        """Compute nothing before the measurement, since a training pass would change batch statistics."""
        return Begun(None, partial(self, features, model.head))

    def prepare(self, first: int, count: int, *, order: int) -> None:
        """Draw the batches of `count` steps."""
        super().prepare(first, count, order=order)
        self.batches.prepare(first, count, order=order)


class Supervised(OnBatches):
    """A criterion on labelled batches only."""

    def forward(self, features: Features, head: nn.Linear) -> Float[Tensor, ""]:
        """Return the loss of the next batch."""
        inputs, targets = self.batches()
        representations = features(inputs)
        loss = self.criterion(head(representations), targets)
        return loss + self.term(representations, head.weight, targets) if self.term else loss
