"""Two trainings of one weight norm: the second is held to that of the first."""

from collections.abc import Iterable

import torch
from torch import Tensor, nn
from torch.nn.utils import get_total_norm


class FollowedNorm:
    """Keeps the L2 norm of all weights after each update of a training, and then holds another to it, update by update.

    As in `FixedNorm` one factor scales all parameters. It is device work alone: place and mode lie in tensors.
    """

    @torch.no_grad()
    def __init__(self, parameters: Iterable[nn.Parameter], *, updates: int) -> None:
        """For trainings of so many updates each."""
        self._parameters = list(parameters)
        device = self._parameters[0].device
        self._norms = torch.zeros(updates, device=device)
        self._place = torch.zeros(1, dtype=torch.int64, device=device)
        self._follows = torch.zeros(1, dtype=torch.bool, device=device)

    def follow(self) -> None:
        """From here on hold the norm to what was kept, from the first update on."""
        self._place.zero_()
        self._follows.fill_(True)

    @torch.no_grad()
    def __call__(self) -> None:
        """Keep the norm, or restore it, after an update."""
        norm = get_total_norm(self._parameters)
        target = torch.where(self._follows, self._norms.index_select(0, self._place), norm)
        self._norms.index_copy_(0, self._place, target)
        self._place += 1
        factor = torch.where(self._follows, target / norm, 1.0).squeeze()
        for parameter in self._parameters:
            parameter.mul_(factor)

    def state(self) -> dict[str, Tensor]:
        """The tensors themselves, by name."""
        return {"norms": self._norms, "place": self._place, "follows": self._follows}
