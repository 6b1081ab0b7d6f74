"""What training on batches descends."""

from abc import ABC, abstractmethod
from collections.abc import Callable

from jaxtyping import Float
from torch import Tensor, nn

from grok.training.batches import Batches
from grok.training.information_term import InformationTerm
from grok.training.loss import Criterion

Features = Callable[[Tensor], Tensor]
"""The network's features of a batch in training, in whatever precision it trains, as float32."""


class Objective(nn.Module, ABC):
    """Draws its batches and makes one loss of them. All tensors that it keeps are buffers, to be stacked."""

    batches: Batches
    """The labelled samples."""
    term: InformationTerm | None
    """A term of information, if it is part of the loss."""

    @abstractmethod
    def prepare(self, first: int, count: int, *, order: int) -> None:
        """Be ready for `count` steps of a phase from its step `first` on, by one of the seed's orders."""

    @abstractmethod
    def forward(self, features: Features, head: nn.Linear) -> Float[Tensor, ""]:
        """The loss of the next step."""

    @abstractmethod
    def values(self) -> dict[str, Tensor]:
        """What is to be recorded of the last step, scalars by column: the tensors themselves."""

    @abstractmethod
    def state(self) -> dict[str, Tensor]:
        """The tensors themselves that later steps and records depend on, by name."""


class Supervised(Objective):
    """A criterion on labelled batches, and a term of information if wanted."""

    def __init__(self, batches: Batches, criterion: Criterion, term: InformationTerm | None = None) -> None:
        super().__init__()
        self.batches = batches
        self.criterion = criterion
        self.term = term

    def prepare(self, first: int, count: int, *, order: int) -> None:
        """Draw the batches."""
        self.batches.prepare(first, count, order=order)

    def forward(self, features: Features, head: nn.Linear) -> Float[Tensor, ""]:
        """The loss of the next batch."""
        inputs, targets = self.batches()
        representations = features(inputs)
        loss = self.criterion(head(representations), targets)
        return loss + self.term(representations, head.weight, targets) if self.term else loss

    def values(self) -> dict[str, Tensor]:
        """Those of the term."""
        return self.term.values() if self.term else {}

    def state(self) -> dict[str, Tensor]:
        """That of the term."""
        return self.term.state() if self.term else {}
