"""The batches that steps train on: drawn by the seed and the step alone, so that a resumed run draws the same."""

from collections.abc import Sequence
from functools import lru_cache

import torch
from jaxtyping import Int, Shaped
from torch import Tensor, nn

from grok.random import stream
from grok.tasks.images import ImageTask, View, normalise
from grok.training.transfer import fill, to_device

INDICES = "indices"


class Batches(nn.Module):
    """Batches of some samples of a task as one view or several show them, normalised.

    An epoch is a random order of the samples, cut into whole batches; those that are left over at its end are left out.
    Fewer samples than a batch has are gone through several times in an epoch, each time in another order. The host
    draws what a block of steps needs into buffers, and each step reads the next row of them, so that a step is device
    work alone and can be captured. Samples stay as the task has them, such as bytes, until they are in a batch.
    """

    def __init__(
        self,
        task: ImageTask,
        *,
        size: int,
        views: Sequence[View],
        seed: int,
        block: int,
        samples: Int[Tensor, "sample"] | None = None,
        name: str = "",
    ) -> None:
        """Of `size` samples each, for blocks of at most `block` steps; of these `samples`, or of all that train.

        Batches of one seed with other names are drawn independently.
        """
        super().__init__()
        device = task.targets.device
        self._size, self._seed, self._name = size, seed, name
        self._views = list(views)
        self._samples = (task.train if samples is None else samples).cpu()
        self._times = -(-size // len(self._samples))
        self.steps_per_epoch = self._times * len(self._samples) // size
        self.register_buffer("inputs", task.inputs)
        self.register_buffer("targets", task.targets)
        self.register_buffer("mean", task.mean)
        self.register_buffer("std", task.std)
        self.register_buffer("place", torch.zeros(1, dtype=torch.int64, device=device))
        self._epoch = lru_cache(maxsize=2)(self._draw_epoch)
        self._drawn: list[str] = []
        for drawn, rows in self._draw_epoch(0, 0).items():
            self._drawn.append(drawn)
            self.register_buffer(drawn, torch.zeros(block, *rows.shape[1:], dtype=rows.dtype, device=device))

    def prepare(self, first: int, count: int, *, order: int) -> None:
        """Draw the batches of `count` steps from step `first` of a phase on, by one of the seed's orders."""
        epochs = [divmod(step, self.steps_per_epoch) for step in range(first, first + count)]
        if epochs:
            for name in self._drawn:
                rows = [self._epoch(order, epoch)[name][batch] for epoch, batch in epochs]
                fill(self.get_buffer(name), torch.stack(rows))
        self.get_buffer("place").zero_()

    def forward(self) -> tuple[Shaped[Tensor, "batch *shape"], ...]:
        """Inputs of the next step's batch, as each view shows them, and their targets."""
        place = self.get_buffer("place")
        drawn = {name: self.get_buffer(name).index_select(0, place)[0] for name in self._drawn}
        place += 1
        return self._batch(drawn)

    def batch(self, step: int, *, order: int) -> tuple[Shaped[Tensor, "batch *shape"], ...]:
        """The batch at a step of a phase, whatever has been prepared; as `forward`."""
        epoch, place = divmod(step, self.steps_per_epoch)
        device = self.get_buffer("targets").device
        return self._batch({name: to_device(rows[place], device) for name, rows in self._epoch(order, epoch).items()})

    def _batch(self, drawn: dict[str, Tensor]) -> tuple[Shaped[Tensor, "batch *shape"], ...]:
        inputs, targets = self.get_buffer("inputs")[drawn[INDICES]], self.get_buffer("targets")[drawn[INDICES]]
        mean, std = self.get_buffer("mean"), self.get_buffer("std")
        seen = []
        for place, view in enumerate(self._views):
            mark = f"view{place}_"
            own = {name.removeprefix(mark): rows for name, rows in drawn.items() if name.startswith(mark)}
            seen.append(normalise(view(inputs, own), mean, std))
        return *seen, targets

    def _draw_epoch(self, order: int, epoch: int) -> dict[str, Shaped[Tensor, "step batch *rest"]]:
        """Indices of an epoch's batches, and the random numbers of each view, on the host."""
        generator = stream(self._seed, f"{self._name}order/{order}/{epoch}")
        shuffled = [torch.randperm(len(self._samples), generator=generator) for _ in range(self._times)]
        used = self.steps_per_epoch * self._size
        drawn = {INDICES: self._samples[torch.cat(shuffled)[:used]]}
        for place, view in enumerate(self._views):
            which = f"{place}/" if place else ""
            generator = stream(self._seed, f"{self._name}augmentation/{which}{order}/{epoch}")
            for name, values in view.draw(used, generator=generator).items():
                drawn[f"view{place}_{name}"] = values
        return {name: rows.unflatten(0, (self.steps_per_epoch, self._size)) for name, rows in drawn.items()}
