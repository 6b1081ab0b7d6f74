"""Random draws that the host makes for the steps. They depend only on seed and step, so that runs can resume."""

from collections.abc import Callable
from functools import lru_cache
from typing import ClassVar

import torch
from jaxtyping import Int, Shaped
from torch import Tensor, nn

from grok.random import stream


def fill(rows: Shaped[Tensor, "row *rest"], values: Shaped[Tensor, "some *rest"]) -> None:
    """Copy values of the host into the first rows on any device, queued after the work that the device has."""
    values = values.to(rows.dtype)
    rows[: len(values)].copy_(to_device(values, rows.device), non_blocking=True)


def to_device(values: Shaped[Tensor, "*shape"], device: torch.device) -> Shaped[Tensor, "*shape"]:
    """Copy values to a device, queued after the work that the device has."""
    if device.type == "cuda" and not values.is_cuda:
        values = values.pin_memory()  # a copy from unpinned memory would wait for the device
    return values.to(device, non_blocking=True)


Rows = dict[str, Shaped[Tensor, "step *rest"]]
"""The draws for the steps of an epoch, by name, with one row per step."""


class Draws(nn.Module):
    """Rows that the host draws for a block of steps; each step reads the next row.

    A step is therefore work of the device only, and can be captured.
    """

    per_member: ClassVar = ("_epoch", "steps_per_epoch")

    def __init__(self, draw: Callable[[int, int], Rows], *, block: int, device: torch.device) -> None:
        """Make room for `block` steps; `draw` returns the rows of an order and an epoch, equally many in each epoch."""
        super().__init__()
        self._epoch = lru_cache(maxsize=2)(draw)
        first = self._epoch(0, 0)
        self._names, self._reserved = list(first), list[str]()
        (self.steps_per_epoch,) = {len(rows) for rows in first.values()}
        self.register_buffer("place", torch.zeros(1, dtype=torch.int64, device=device))
        for name, rows in first.items():
            self.register_buffer(name, torch.zeros(block, *rows.shape[1:], dtype=rows.dtype, device=device))

    def reserve(self, name: str, rows: Shaped[Tensor, "step *rest"]) -> None:
        """Let each step also read a row of these; the caller fills them for each block."""
        self._reserved.append(name)
        self.register_buffer(name, rows)

    def prepare(self, first: int, count: int, *, order: int) -> None:
        """Draw for `count` steps of a phase, starting at its step `first`, in the given seeded order."""
        steps = [self.on_host(step, order=order) for step in range(first, first + count)]
        if steps:
            for name in self._names:
                fill(self.get_buffer(name), torch.stack([drawn[name] for drawn in steps]))
        self.get_buffer("place").zero_()

    def forward(self) -> dict[str, Tensor]:
        """Return the rows of the next step."""
        place = self.get_buffer("place")
        names = (*self._names, *self._reserved)
        drawn = {name: self.get_buffer(name).index_select(0, place)[0] for name in names}
        place += 1
        return drawn

    def on_host(self, step: int, *, order: int) -> dict[str, Tensor]:
        """Return the rows of a step of a phase, whatever has been prepared."""
        epoch, row = divmod(step, self.steps_per_epoch)
        return {name: rows[row] for name, rows in self._epoch(order, epoch).items()}

    def at(self, step: int, *, order: int) -> dict[str, Tensor]:
        """Return the rows of a step of a phase on the device, whatever has been prepared."""
        device = self.get_buffer("place").device
        return {name: to_device(values, device) for name, values in self.on_host(step, order=order).items()}


INDICES = "indices"


def shuffled(count: int, size: int, generator: torch.Generator) -> Int[Tensor, "step size"]:
    """Return the numbers below `count` in random order, cut into whole rows of `size`.

    If `count` is smaller than `size`, a row contains several orders.

    >>> shuffled(5, 2, stream(0, "order")).shape, shuffled(2, 5, stream(0, "order")).sort().values
    (torch.Size([2, 2]), tensor([[0, 0, 1, 1, 1]]))
    """
    orders = [torch.randperm(count, generator=generator) for _ in range(-(-size // count))]
    steps = len(orders) * count // size
    return torch.cat(orders)[: steps * size].view(steps, size)


def sample_draws(count: int, *, size: int, seed: int, name: str, block: int, device: torch.device) -> Draws:
    """Return draws of `size` distinct numbers below `count` per step, as `INDICES`; other names are independent."""

    def draw(order: int, epoch: int) -> Rows:
        return {INDICES: shuffled(count, size, stream(seed, f"{name}/{order}/{epoch}"))}

    return Draws(draw, block=block, device=device)
