"""A term of information in the training loss: MI, entropy difference, MIR or HDR of a batch."""

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from grok.config import InformationTermConfig
from grok.information import information_loss
from grok.training.draws import INDICES, Draws

TERM, LEFT_OUT = "information/term", "information/left_out"


class InformationTerm(nn.Module):
    """`weight` times `information_loss` of the features of some samples and the head rows of their labels.

    A sample whose features or head row have no direction, as where all neurons are off or a number is not finite, is
    left out, and counted. With `draws` only the samples that they choose are taken, others at each step.
    """

    def __init__(self, config: InformationTermConfig, device: torch.device, draws: Draws | None = None) -> None:
        super().__init__()
        self.kind = config.term
        self._draws = draws
        self.register_buffer("weight", torch.tensor(config.weight, device=device))
        self.register_buffer("value", torch.tensor(torch.nan, device=device))
        self.register_buffer("left_out", torch.zeros((), dtype=torch.int64, device=device))

    def prepare(self, first: int, count: int, *, order: int) -> None:
        """Be ready for `count` steps of a phase from its step `first` on."""
        if self._draws:
            self._draws.prepare(first, count, order=order)

    def switch_off(self) -> None:
        """Add nothing from here on, while the term is still measured: anew, as from step 0."""
        self.get_buffer("weight").zero_()
        self.get_buffer("value").fill_(torch.nan)
        self.get_buffer("left_out").zero_()

    def forward(
        self,
        features: Float[Tensor, "sample dim"],
        head: Float[Tensor, "class dim"],
        targets: Int[Tensor, "sample"],
        counted: Bool[Tensor, "sample"] | None = None,
    ) -> Float[Tensor, ""]:
        """The weighted term of the samples, or of those that are `counted`; 0 if there is none."""
        if self._draws:
            chosen = self._draws()[INDICES]
            features, targets = features[chosen], targets[chosen]
        wanted = torch.ones_like(targets, dtype=torch.bool) if counted is None else counted
        directed = _directed(features) & _directed(head)[targets]
        used = (wanted & directed).to(features.dtype)
        weights = used / used.sum().clamp(min=1)
        value = information_loss(features, head, targets, kind=self.kind, weights=weights, check=False)
        self.get_buffer("value").copy_(value.detach())
        self.get_buffer("left_out").add_((wanted & ~directed).sum())
        return self.get_buffer("weight") * value

    def values(self) -> dict[str, Tensor]:
        """`information_loss` at the last update, without the weight, and how many samples it has left out so far."""
        return {TERM: self.get_buffer("value"), LEFT_OUT: self.get_buffer("left_out")}

    def state(self) -> dict[str, Tensor]:
        """The tensors themselves that later losses and records depend on."""
        return {name: self.get_buffer(name) for name in ("weight", "value", "left_out")}


def _directed(rows: Float[Tensor, "row dim"]) -> Bool[Tensor, "row"]:
    """Which have a direction: of numbers that are not finite, torch finds no eigenvalues and would end the training."""
    return (rows != 0).any(dim=-1) & rows.isfinite().all(dim=-1)
