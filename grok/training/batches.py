"""The batches that steps train on: drawn by the seed and the step alone, so that a resumed run draws the same."""

from functools import lru_cache
from typing import Literal

import torch
from jaxtyping import Bool, Float, Int, Shaped
from torch import Tensor, nn

from grok.random import stream
from grok.tasks.images import ImageTask, crop_and_flip, draw_shifts_and_flips, normalise
from grok.training.transfer import fill

Augmentation = Literal["none", "crop-flip"]


class Batches(nn.Module):
    """Batches of the training samples of a task, with random crops and flips if wanted, normalised.

    An epoch is a random order of the samples, cut into whole batches; those that are left over at its end are left out.
    The host draws what a block of steps needs into buffers, and each step reads the next row of them, so that a step is
    device work alone and can be captured. Samples stay as the task has them, such as bytes, until they are in a batch.
    """

    def __init__(self, task: ImageTask, *, size: int, augmentation: Augmentation, seed: int, block: int) -> None:
        """Of `size` samples each, for blocks of at most `block` steps."""
        super().__init__()
        device = task.targets.device
        self._size, self._seed = size, seed
        self._augmented = augmentation == "crop-flip"
        self._drawn = ("indices", "shifts", "flips") if self._augmented else ("indices",)
        self.steps_per_epoch = len(task.train) // size
        self.register_buffer("inputs", task.inputs[task.train])
        self.register_buffer("targets", task.targets[task.train])
        self.register_buffer("mean", task.mean)
        self.register_buffer("std", task.std)
        self.register_buffer("place", torch.zeros(1, dtype=torch.int64, device=device))
        self.register_buffer("indices", torch.zeros(block, size, dtype=torch.int64, device=device))
        if self._augmented:
            self.register_buffer("shifts", torch.zeros(block, size, 2, dtype=torch.int64, device=device))
            self.register_buffer("flips", torch.zeros(block, size, dtype=torch.bool, device=device))
        self._epoch = lru_cache(maxsize=2)(self._draw_epoch)

    def prepare(self, first: int, count: int, *, order: int) -> None:
        """Draw the batches of `count` steps from step `first` of a phase on, by one of the seed's orders."""
        steps = range(first, first + count)
        epochs = [(step // self.steps_per_epoch, step % self.steps_per_epoch) for step in steps]
        if epochs:
            for name in self._drawn:
                rows = [self._epoch(order, epoch)[name][batch] for epoch, batch in epochs]
                fill(self.get_buffer(name), torch.stack(rows))
        self.get_buffer("place").zero_()

    def forward(self) -> tuple[Float[Tensor, "batch *shape"], Int[Tensor, "batch"]]:
        """Inputs and targets of the next step's batch."""
        place = self.get_buffer("place")
        drawn = {name: self.get_buffer(name).index_select(0, place)[0] for name in self._drawn}
        place += 1
        return self._batch(**drawn)

    def batch(self, step: int, *, order: int) -> tuple[Float[Tensor, "batch *shape"], Int[Tensor, "batch"]]:
        """Inputs and targets of the batch at a step of a phase, whatever has been prepared."""
        epoch, place = divmod(step, self.steps_per_epoch)
        device = self.get_buffer("targets").device
        return self._batch(**{name: rows[place].to(device) for name, rows in self._epoch(order, epoch).items()})

    def _batch(
        self,
        indices: Int[Tensor, "batch"],
        shifts: Int[Tensor, "batch 2"] | None = None,
        flips: Bool[Tensor, "batch"] | None = None,
    ) -> tuple[Float[Tensor, "batch *shape"], Int[Tensor, "batch"]]:
        inputs = self.get_buffer("inputs")[indices]
        if shifts is not None and flips is not None:
            inputs = crop_and_flip(inputs, shifts, flips)
        return normalise(inputs, self.get_buffer("mean"), self.get_buffer("std")), self.get_buffer("targets")[indices]

    def _draw_epoch(self, order: int, epoch: int) -> dict[str, Shaped[Tensor, "step batch *rest"]]:
        """Indices, shifts and flips of an epoch's batches, on the host."""
        used = self.steps_per_epoch * self._size
        shuffled = torch.randperm(
            len(self.get_buffer("targets")), generator=stream(self._seed, f"order/{order}/{epoch}")
        )
        drawn = {"indices": shuffled[:used].view(self.steps_per_epoch, self._size)}
        if self._augmented:
            generator = stream(self._seed, f"augmentation/{order}/{epoch}")
            shifts, flips = draw_shifts_and_flips(used, generator=generator)
            drawn["shifts"] = shifts.view(self.steps_per_epoch, self._size, 2)
            drawn["flips"] = flips.view(self.steps_per_epoch, self._size)
        return drawn
