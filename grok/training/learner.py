"""One network with its data and probes, which is everything that a step reads."""

from collections.abc import Callable, Sequence

import torch
from jaxtyping import Float, Shaped
from torch import Tensor, nn

from grok.models import Classifier
from grok.tasks import Split, Task
from grok.training.chunks import CHUNK_SIZE
from grok.training.objective import Begun, Objective
from grok.training.phases import Phase
from grok.training.probes import SPLITS, Probe
from grok.training.ring import Observed
from grok.training.snapshot import Known, Samples, Snapshot


class Learner(nn.Module):
    """The forward half of a step: the loss, and the observations of the probes that are due.

    All tensors that it reads are parameters or buffers, so that many learners can be stacked (`stack.py`).
    """

    model: Classifier

    def __init__(
        self,
        *,
        task: Task,
        model: Classifier,
        objective: Objective,
        probes: Sequence[Probe],
        average: Classifier | None = None,
        autocast: torch.dtype | None = None,
        at_once: int | None = None,
    ) -> None:
        """Make the learner of a network that minimises an `objective`.

        The probes measure the network on the samples of the task, in passes of at most `at_once` samples, and its loss
        by the criterion of the objective. If an `average` of the network is given, whose parameters need no gradient,
        they measure that instead. With `autocast`, products in training use this precision; measurements do not.
        """
        super().__init__()
        self.model = model
        self.objective = objective
        self.average = average
        self._autocast, self._at_once = autocast, at_once
        self._compiled: Callable[[Tensor], Tensor] | None = None
        self._probes = nn.ModuleDict({probe.name: probe for probe in probes})
        self._samples = nn.ModuleDict()
        for split in SPLITS:
            indices = task.indices(split)
            self._samples[f"{split}_split"] = Samples(task.inputs[indices], task.targets[indices])

    @property
    def device(self) -> torch.device:
        """The device of all tensors."""
        return self.model.head.weight.device

    @property
    def trained(self) -> list[Tensor]:
        """The trained parameters, in order."""
        return [parameter for parameter in self.parameters() if parameter.requires_grad]

    @property
    def probes(self) -> dict[str, Probe]:
        """The probes by name."""
        return {name: probe for name, probe in self._probes.items() if isinstance(probe, Probe)}

    def samples(self, split: Split) -> Samples:
        """Return inputs and targets of a split."""
        samples = self._samples[f"{split}_split"]  # nn.Module has a method called train
        assert isinstance(samples, Samples)
        return samples

    def pad(self, split: Split, size: int) -> None:
        """Pad a split to `size` samples; the appended samples are ignored."""
        if size == len(self.samples(split).targets):
            return
        self.samples(split).pad(size)
        for probe in self.probes.values():
            probe.pad(split, size)

    def prepare(self, phase: Phase, first: int, count: int) -> None:
        """Prepare `count` steps of a phase, starting at its step `first`."""
        self.objective.prepare(first, count, order=phase.order)
        for probe in self.probes.values():
            probe.show(phase.values)

    def divide(self, *, alone: bool) -> None:
        """Compute the training samples in chunks if that is possible, which it is not for one of several members."""
        if alone and self._autocast is None:
            self.objective.divide(self.model, self.samples("train"))
        else:
            self.objective.compute_whole()

    def compile_training(self) -> None:
        """Compile the training pass of a batch with `torch.compile`; measurements are not compiled.

        Raises:
            ValueError: if a step uses all training samples at once, which is not compiled.
        """
        if not self.objective.on_batches:
            raise ValueError("compile: expected an experiment that trains on batches, got one on all samples at once")
        self._compiled = torch.compile(self.model.features, dynamic=False)

    def forward(self, due: Sequence[str], *, last: bool = False) -> tuple[Float[Tensor, ""], Observed]:
        """Return the training loss, and what the probes named in `due` observe before the next update.

        With `last`, no update follows, and the loss is the criterion on the measured training samples.
        """
        begun = self.begin()
        snapshot = self.snapshot(begun.known, neurons=any(self.probes[name].needs_neurons for name in due))
        snapshot.model.eval()  # batch normalisation uses its running averages and does not change them
        observed = self.observe(due, snapshot)
        if last:
            return snapshot.loss("train"), observed
        self.model.train()
        return begun.loss(), observed

    def begin(self) -> Begun:
        """Begin the loss of the next step with the parts that can be computed before the measurement."""
        return self.objective.begin(self.model, self._features, self.samples("train"))

    def _features(self, inputs: Shaped[Tensor, "batch *shape"]) -> Float[Tensor, "batch dim"]:
        """Return the features of the network in training."""
        features = self._compiled or self.model.features
        if self._autocast is None:
            return features(inputs)
        with torch.autocast(inputs.device.type, self._autocast, cache_enabled=False):
            return features(inputs).float()

    def snapshot(self, known: Known | None = None, *, neurons: bool = False) -> Snapshot:
        """Return the network in the form that probes read, with results of the training pass in `known`.

        These results are not used if the average is measured, or if training has a different precision. `neurons` says
        whether a probe will read them.
        """
        same = self.average is None and self._autocast is None
        return Snapshot(
            model=self.average or self.model,
            samples={split: self.samples(split) for split in SPLITS},
            known={"train": known} if known and same else {},
            criterion=self.objective.criterion,
            objective=self.objective.values(),
            at_once=self._at_once,
            part=CHUNK_SIZE if self.objective.in_chunks else None,
            neurons=neurons,
        )

    @torch.no_grad()
    def observe(self, due: Sequence[str], snapshot: Snapshot) -> Observed:
        """Return the observations of the probes named in `due`."""
        return {name: self.probes[name].observe(snapshot) for name in due}
