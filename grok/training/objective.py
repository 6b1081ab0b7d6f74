"""What a training descends: the one loss of each step, of all training samples or of batches."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from functools import partial
from typing import NamedTuple

from jaxtyping import Float
from torch import Tensor, nn

from grok.models import Classifier
from grok.training.batches import Batches
from grok.training.information_term import InformationTerm
from grok.training.loss import Criterion
from grok.training.snapshot import Known, Samples

Features = Callable[[Tensor], Tensor]
"""The network's features of some inputs in training: float32, in whatever precision the products are."""


class Begun(NamedTuple):
    """A step whose loss has been begun, before anything is measured."""

    known: Known | None
    """What has been computed on the training samples that are measured, if anything has."""
    loss: Callable[[], Float[Tensor, ""]]
    """Computes the loss of the step, once the network has been measured."""


class Objective(nn.Module, ABC):
    """The criterion that a training descends, with a term of information or without.

    All tensors that it keeps are buffers, so that many objectives can be stacked.
    """

    def __init__(self, criterion: Criterion, term: InformationTerm | None = None) -> None:
        super().__init__()
        self.criterion = criterion
        self.term = term

    @abstractmethod
    def begin(self, model: Classifier, features: Features, train: Samples) -> Begun:
        """Begin a step of this network, which has these `features` in training, and is measured on `train`."""

    def prepare(self, first: int, count: int, *, order: int) -> None:
        """Be ready for `count` steps of a phase from its step `first` on, by one of the seed's orders."""
        if self.term:
            self.term.prepare(first, count, order=order)

    def settings(self) -> dict[str, object]:
        """The settings that are not tensors: objectives of one stack have these in common."""
        criterion = self.criterion
        function, keywords = (criterion.func, criterion.keywords) if isinstance(criterion, partial) else (criterion, {})
        name = getattr(function, "__qualname__", type(function).__name__)
        term = self.term.kind if self.term else "none"
        return {"kind": type(self).__name__, "criterion": name, **keywords, "term": term}

    def switch_off_term(self) -> None:
        """Add no term to the loss from here on; it is still measured, anew, as from step 0."""
        if self.term:
            self.term.switch_off()

    @property
    def to_lower(self) -> list[str]:
        """What may be too large where the loss is no longer a number."""
        return ["the size of information.weight"] if self.term else []

    def values(self) -> dict[str, Tensor]:
        """What is to be recorded of the last step, scalars by column: the tensors themselves."""
        return self.term.values() if self.term else {}

    def state(self) -> dict[str, Tensor]:
        """The tensors themselves that later steps and records depend on, by name."""
        return self.term.state() if self.term else {}


class FullBatch(Objective):
    """A criterion on all training samples at once.

    These samples are also measured. Where the network computes the same in training and in use, one pass serves both.
    """

    def begin(self, model: Classifier, features: Features, train: Samples) -> Begun:
        """Pass all samples through the network; the term is added once the network has been measured."""
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
    """Whether a layer computes something else in training than in use, as batch normalisation and dropout do."""
    kinds = (nn.modules.batchnorm._BatchNorm, nn.modules.dropout._DropoutNd)
    return any(isinstance(module, kinds) for module in model.modules())


class OnBatches(Objective):
    """A criterion on batches of labelled samples, and whatever else a step makes a loss of."""

    def __init__(self, batches: Batches, criterion: Criterion, term: InformationTerm | None = None) -> None:
        super().__init__(criterion, term)
        self.batches = batches

    @abstractmethod
    def forward(self, features: Features, head: nn.Linear) -> Float[Tensor, ""]:
        """The loss of the next step."""

    def begin(self, model: Classifier, features: Features, train: Samples) -> Begun:
        """Compute nothing yet: a training pass would change the averages of batch normalisation too early."""
        return Begun(None, partial(self, features, model.head))

    def prepare(self, first: int, count: int, *, order: int) -> None:
        """Draw the batches."""
        super().prepare(first, count, order=order)
        self.batches.prepare(first, count, order=order)


class Supervised(OnBatches):
    """A criterion on labelled batches alone."""

    def forward(self, features: Features, head: nn.Linear) -> Float[Tensor, ""]:
        """The loss of the next batch."""
        inputs, targets = self.batches()
        representations = features(inputs)
        loss = self.criterion(head(representations), targets)
        return loss + self.term(representations, head.weight, targets) if self.term else loss
