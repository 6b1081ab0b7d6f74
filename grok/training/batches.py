"""Training batches, which depend only on the seed and the step, so that a resumed run draws the same batches."""

from collections.abc import Sequence
from typing import ClassVar

from jaxtyping import Int, Shaped
from torch import Tensor, nn

from grok.random import stream
from grok.tasks import Task
from grok.tasks.images import VIEWS, View
from grok.training.draws import INDICES, Draws, Rows, shuffled

MADE = "made"  # name of the inputs that a view has computed beforehand, among its random numbers


class Batches(nn.Module):
    """Batches of samples of a task, seen through one view or several and normalised as the task says.

    An epoch is a random order of the samples, cut into whole batches; the remaining samples are left out. If there are
    fewer samples than a batch needs, an epoch contains several orders of them. Samples keep the type of the task, such
    as bytes, until they are in a batch.
    """

    per_member: ClassVar = ("_seed", "_samples")

    def __init__(
        self,
        task: Task,
        *,
        size: int,
        seed: int,
        block: int,
        views: Sequence[View] = (VIEWS["none"](),),
        samples: Int[Tensor, "sample"] | None = None,
        name: str = "",
    ) -> None:
        """Make batches of `size` samples for blocks of at most `block` steps.

        They are drawn from `samples`, by default from all training samples. Batches with the same seed and different
        names are independent.
        """
        super().__init__()
        self._size, self._seed, self._name = size, seed, name
        self._views = list(views)
        self._samples = (task.train if samples is None else samples).cpu()
        self.register_buffer("inputs", task.inputs)
        self.register_buffer("targets", task.targets)
        self._normalise = task.normalisation()
        self.draws = Draws(self._draw, block=block, device=task.targets.device)
        self._beforehand = {_mark(place): view for place, view in enumerate(self._views) if view.beforehand}
        for mark in self._beforehand:
            made = task.inputs.new_zeros(block, size, *task.inputs.shape[1:])
            self.draws.reserve(f"{mark}{MADE}", made)

    @property
    def steps_per_epoch(self) -> int:
        """Number of batches in an epoch."""
        return self.draws.steps_per_epoch

    def prepare(self, first: int, count: int, *, order: int) -> None:
        """Draw the batches of `count` steps of a phase, starting at its step `first`, in the given seeded order."""
        self.draws.prepare(first, count, order=order)
        for mark, view in self._beforehand.items():
            made = self.draws.get_buffer(f"{mark}{MADE}")
            for row, step in enumerate(range(first, first + count)):
                made[row] = self._made(mark, view, self.draws.on_host(step, order=order))

    def forward(self) -> tuple[Shaped[Tensor, "batch *shape"], ...]:
        """Return the inputs of the next batch through each view, and their targets."""
        return self._batch(self.draws())

    def batch(self, step: int, *, order: int) -> tuple[Shaped[Tensor, "batch *shape"], ...]:
        """Return the batch at a step of a phase, in the form of `forward`, whatever has been prepared."""
        on_host = self.draws.on_host(step, order=order)
        made = {f"{mark}{MADE}": self._made(mark, view, on_host) for mark, view in self._beforehand.items()}
        return self._batch(self.draws.at(step, order=order) | made)

    def _batch(self, drawn: dict[str, Tensor]) -> tuple[Shaped[Tensor, "batch *shape"], ...]:
        inputs, targets = self.get_buffer("inputs")[drawn[INDICES]], self.get_buffer("targets")[drawn[INDICES]]
        seen = []
        for place, view in enumerate(self._views):
            own = _of(_mark(place), drawn)
            seen.append(self._normalise(own[MADE] if view.beforehand else view(inputs, own)))
        return *seen, targets

    def _made(self, mark: str, view: View, on_host: dict[str, Tensor]) -> Shaped[Tensor, "batch *shape"]:
        """Return the inputs of a batch that a view computes beforehand."""
        inputs = self.get_buffer("inputs")
        return view(inputs[on_host[INDICES].to(inputs.device)], _of(mark, on_host))

    def _draw(self, order: int, epoch: int) -> Rows:
        """Draw, on the host, the indices of the batches of an epoch and the random numbers of each view."""
        rows = shuffled(len(self._samples), self._size, stream(self._seed, f"{self._name}order/{order}/{epoch}"))
        drawn = {INDICES: self._samples[rows]}
        for place, view in enumerate(self._views):
            which = f"{place}/" if place else ""
            generator = stream(self._seed, f"{self._name}augmentation/{which}{order}/{epoch}")
            for name, values in view.draw(rows.numel(), generator=generator).items():
                drawn[f"{_mark(place)}{name}"] = values.unflatten(0, rows.shape)
        return drawn


def _of(mark: str, drawn: dict[str, Tensor]) -> dict[str, Tensor]:
    """Return the random numbers of one view by the names that the view uses."""
    return {name.removeprefix(mark): values for name, values in drawn.items() if name.startswith(mark)}


def _mark(place: int) -> str:
    """Return the prefix of the names of a view's random numbers."""
    return f"view{place}_"
