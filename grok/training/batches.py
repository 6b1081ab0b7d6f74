"""The batches that steps train on: drawn by the seed and the step alone, so that a resumed run draws the same."""

from collections.abc import Sequence

from jaxtyping import Int, Shaped
from torch import Tensor, nn

from grok.random import stream
from grok.tasks import Task
from grok.tasks.images import VIEWS, ImageTask, View, normalise
from grok.training.draws import INDICES, Draws, Rows, shuffled

MADE = "made"  # what a view has made of a batch beforehand, among its random numbers


class Batches(nn.Module):
    """Batches of some samples of a task, as one view or several show them; images and signals are normalised.

    An epoch is a random order of the samples, cut into whole batches; those that are left over at its end are left out.
    Fewer samples than a batch has are gone through several times in an epoch, each time in another order. Samples stay
    as the task has them, such as bytes, until they are in a batch.
    """

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
        """Of `size` samples each, for blocks of at most `block` steps; of these `samples`, or of all that train.

        Batches of one seed with other names are drawn independently.
        """
        super().__init__()
        self._size, self._seed, self._name = size, seed, name
        self._views = list(views)
        self._samples = (task.train if samples is None else samples).cpu()
        self.register_buffer("inputs", task.inputs)
        self.register_buffer("targets", task.targets)
        self._normalised = isinstance(task, ImageTask)
        if isinstance(task, ImageTask):
            self.register_buffer("mean", task.mean)
            self.register_buffer("std", task.std)
        self.draws = Draws(self._draw, block=block, device=task.targets.device)
        self._beforehand = {_mark(place): view for place, view in enumerate(self._views) if view.beforehand}
        for mark in self._beforehand:
            made = task.inputs.new_zeros(block, size, *task.inputs.shape[1:])
            self.draws.reserve(f"{mark}{MADE}", made)

    @property
    def steps_per_epoch(self) -> int:
        """Batches that an epoch has."""
        return self.draws.steps_per_epoch

    def prepare(self, first: int, count: int, *, order: int) -> None:
        """Draw the batches of `count` steps from step `first` of a phase on, by one of the seed's orders."""
        self.draws.prepare(first, count, order=order)
        for mark, view in self._beforehand.items():
            made = self.draws.get_buffer(f"{mark}{MADE}")
            for row, step in enumerate(range(first, first + count)):
                made[row] = self._made(mark, view, self.draws.on_host(step, order=order))

    def forward(self) -> tuple[Shaped[Tensor, "batch *shape"], ...]:
        """Inputs of the next step's batch, as each view shows them, and their targets."""
        return self._batch(self.draws())

    def batch(self, step: int, *, order: int) -> tuple[Shaped[Tensor, "batch *shape"], ...]:
        """The batch at a step of a phase, whatever has been prepared; as `forward`."""
        on_host = self.draws.on_host(step, order=order)
        made = {f"{mark}{MADE}": self._made(mark, view, on_host) for mark, view in self._beforehand.items()}
        return self._batch(self.draws.at(step, order=order) | made)

    def _batch(self, drawn: dict[str, Tensor]) -> tuple[Shaped[Tensor, "batch *shape"], ...]:
        inputs, targets = self.get_buffer("inputs")[drawn[INDICES]], self.get_buffer("targets")[drawn[INDICES]]
        seen = []
        for place, view in enumerate(self._views):
            own = _of(_mark(place), drawn)
            seen.append(self._normal(own[MADE] if view.beforehand else view(inputs, own)))
        return *seen, targets

    def _normal(self, inputs: Shaped[Tensor, "batch *shape"]) -> Shaped[Tensor, "batch *shape"]:
        """Inputs as the network reads them."""
        return normalise(inputs, self.get_buffer("mean"), self.get_buffer("std")) if self._normalised else inputs

    def _made(self, mark: str, view: View, on_host: dict[str, Tensor]) -> Shaped[Tensor, "batch *shape"]:
        """What a view makes of a batch beforehand."""
        inputs = self.get_buffer("inputs")
        return view(inputs[on_host[INDICES].to(inputs.device)], _of(mark, on_host))

    def _draw(self, order: int, epoch: int) -> Rows:
        """Indices of an epoch's batches, and the random numbers of each view, on the host."""
        rows = shuffled(len(self._samples), self._size, stream(self._seed, f"{self._name}order/{order}/{epoch}"))
        drawn = {INDICES: self._samples[rows]}
        for place, view in enumerate(self._views):
            which = f"{place}/" if place else ""
            generator = stream(self._seed, f"{self._name}augmentation/{which}{order}/{epoch}")
            for name, values in view.draw(rows.numel(), generator=generator).items():
                drawn[f"{_mark(place)}{name}"] = values.unflatten(0, rows.shape)
        return drawn


def _of(mark: str, drawn: dict[str, Tensor]) -> dict[str, Tensor]:
    """The random numbers of one view, by its own names."""
    return {name.removeprefix(mark): values for name, values in drawn.items() if name.startswith(mark)}


def _mark(place: int) -> str:
    """What the names of a view's random numbers begin with."""
    return f"view{place}_"
