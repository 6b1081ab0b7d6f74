"""What steps take of the host: drawn by seed and step alone, as a resumed run needs, and sent without waiting."""

from collections.abc import Callable
from functools import lru_cache

import torch
from jaxtyping import Int, Shaped
from torch import Tensor, nn

from grok.random import stream


def fill(rows: Shaped[Tensor, "row *rest"], values: Shaped[Tensor, "some *rest"]) -> None:
    """Copy the host's values into the first rows, on whichever device: after the work that it has been given."""
    values = values.to(rows.dtype)
    rows[: len(values)].copy_(to_device(values, rows.device), non_blocking=True)


def to_device(values: Shaped[Tensor, "*shape"], device: torch.device) -> Shaped[Tensor, "*shape"]:
    """Values on a device, after the work that it has been given."""
    if device.type == "cuda" and not values.is_cuda:
        values = values.pin_memory()  # from other memory a copy waits for the device
    return values.to(device, non_blocking=True)


Rows = dict[str, Shaped[Tensor, "step *rest"]]
"""What the steps of an epoch take, by name: a row a step."""


class Draws(nn.Module):
    """Rows that the host draws for a block of steps, and that each step reads the next of.

    So a step is device work alone, and can be captured.
    """

    def __init__(self, draw: Callable[[int, int], Rows], *, block: int, device: torch.device) -> None:
        """`draw` gives the rows of an order and an epoch, as many in each, for blocks of at most `block` steps."""
        super().__init__()
        self._epoch = lru_cache(maxsize=2)(draw)
        first = self._epoch(0, 0)
        self._names, self._reserved = list(first), list[str]()
        (self.steps_per_epoch,) = {len(rows) for rows in first.values()}
        self.register_buffer("place", torch.zeros(1, dtype=torch.int64, device=device))
        for name, rows in first.items():
            self.register_buffer(name, torch.zeros(block, *rows.shape[1:], dtype=rows.dtype, device=device))

    def reserve(self, name: str, rows: Shaped[Tensor, "step *rest"]) -> None:
        """Let each step take a row of these too, which whoever reserves them fills for each block."""
        self._reserved.append(name)
        self.register_buffer(name, rows)

    def prepare(self, first: int, count: int, *, order: int) -> None:
        """Draw for `count` steps from step `first` of a phase on, by one of the seed's orders."""
        steps = [self.on_host(step, order=order) for step in range(first, first + count)]
        if steps:
            for name in self._names:
                fill(self.get_buffer(name), torch.stack([drawn[name] for drawn in steps]))
        self.get_buffer("place").zero_()

    def forward(self) -> dict[str, Tensor]:
        """What the next step takes."""
        place = self.get_buffer("place")
        names = (*self._names, *self._reserved)
        drawn = {name: self.get_buffer(name).index_select(0, place)[0] for name in names}
        place += 1
        return drawn

    def on_host(self, step: int, *, order: int) -> dict[str, Tensor]:
        """What a step of a phase takes, whatever has been prepared."""
        epoch, row = divmod(step, self.steps_per_epoch)
        return {name: rows[row] for name, rows in self._epoch(order, epoch).items()}

    def at(self, step: int, *, order: int) -> dict[str, Tensor]:
        """The same on the device."""
        device = self.get_buffer("place").device
        return {name: to_device(values, device) for name, values in self.on_host(step, order=order).items()}


INDICES = "indices"


def shuffled(count: int, size: int, generator: torch.Generator) -> Int[Tensor, "step size"]:
    """The numbers below `count` in random order, cut into whole rows; several orders if they are fewer than a row has.

    >>> shuffled(5, 2, stream(0, "order")).shape, shuffled(2, 5, stream(0, "order")).sort().values
    (torch.Size([2, 2]), tensor([[0, 0, 1, 1, 1]]))
    """
    orders = [torch.randperm(count, generator=generator) for _ in range(-(-size // count))]
    steps = len(orders) * count // size
    return torch.cat(orders)[: steps * size].view(steps, size)


def sample_draws(count: int, *, size: int, seed: int, name: str, block: int, device: torch.device) -> Draws:
    """Different numbers below `count` as `INDICES`, `size` a step; of another name, drawn independently."""

    def draw(order: int, epoch: int) -> Rows:
        return {INDICES: shuffled(count, size, stream(seed, f"{name}/{order}/{epoch}"))}

    return Draws(draw, block=block, device=device)
