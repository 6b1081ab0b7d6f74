"""The information loss, a term of the training loss: mutual information, entropy difference, MIR or HDR of a batch."""

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from grok.config import InformationTermConfig
from grok.information import information_loss
from grok.training.draws import INDICES, Draws

TERM, LEFT_OUT = "information/term", "information/left_out"


class InformationTerm(nn.Module):
    """The product of `weight` and `information_loss`, for the features of samples and the head rows of their labels.

    A sample is left out, and counted, if its features or head row have no direction, because all are zero or one is not
    finite. With `draws`, each step uses only the samples that they choose.
    """

    def __init__(self, config: InformationTermConfig, device: torch.device, draws: Draws | None = None) -> None:
        super().__init__()
        self.kind = config.term
        self._draws = draws
        self.register_buffer("weight", torch.tensor(config.weight, device=device))
        self.register_buffer("value", torch.tensor(torch.nan, device=device))
        self.register_buffer("left_out", torch.zeros((), dtype=torch.int64, device=device))

    def prepare(self, first: int, count: int, *, order: int) -> None:
        """Prepare `count` steps of a phase, starting at its step `first`."""
        if self._draws:
            self._draws.prepare(first, count, order=order)

    def switch_off(self) -> None:
        """Set the weight to 0, and restart the measurement of the term as at step 0."""
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
        """Return the weighted term of all samples, or of the `counted` ones; without samples it is 0."""
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
        """Return `information_loss` at the last update, without weight, and the number of samples left out so far."""
        return {TERM: self.get_buffer("value"), LEFT_OUT: self.get_buffer("left_out")}

    def state(self) -> dict[str, Tensor]:
        """Return the tensors themselves on which later losses and records depend, by name."""
        return {name: self.get_buffer(name) for name in ("weight", "value", "left_out")}


def _directed(rows: Float[Tensor, "row dim"]) -> Bool[Tensor, "row"]:
    """Return which rows have a direction; torch would raise an error for eigenvalues of numbers that are not finite."""
    return (rows != 0).any(dim=-1) & rows.isfinite().all(dim=-1)
