"""One network with its data and its probes: everything that a step reads."""

from collections.abc import Callable, Sequence

import torch
from jaxtyping import Float, Shaped
from torch import Tensor, nn

from grok.models import Classifier
from grok.tasks import Split, Task
from grok.training.objective import Begun, Objective, OnBatches
from grok.training.phases import Phase
from grok.training.probes import SPLITS, PhaseValues, Probe
from grok.training.ring import Observed
from grok.training.snapshot import Known, Samples, Snapshot


class Learner(nn.Module):
    """The forward half of a step: the loss, and what the probes that are due observe.

    All tensors that it reads are parameters or buffers, so that many learners stack into one (`stack.py`).
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
        """A network that descends an `objective`.

        The probes measure it on the samples of the task, passing at most `at_once` of them through it together, and its
        loss by the objective's criterion. With an `average` of the network, whose parameters need no gradient, they
        measure that in its stead. With `autocast`, products in training are in that precision; what is measured is not.
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
        """Where its tensors are."""
        return self.model.head.weight.device

    @property
    def trained(self) -> list[Tensor]:
        """The parameters that training changes, in order."""
        return [parameter for parameter in self.parameters() if parameter.requires_grad]

    @property
    def probes(self) -> dict[str, Probe]:
        """The probes by name."""
        return {name: probe for name, probe in self._probes.items() if isinstance(probe, Probe)}

    def samples(self, split: Split) -> Samples:
        """Inputs and targets of a split."""
        samples = self._samples[f"{split}_split"]  # nn.Module has a method called train
        assert isinstance(samples, Samples)
        return samples

    def pad(self, split: Split, size: int) -> None:
        """Bring a split to `size` samples; those appended count for nothing."""
        if size == len(self.samples(split).targets):
            return
        self.samples(split).pad(size)
        for probe in self.probes.values():
            probe.pad(split, size)

    def prepare(self, phase: Phase, first: int, count: int) -> None:
        """Be ready for `count` steps of a phase, from its step `first` on."""
        self.objective.prepare(first, count, order=phase.order)
        for probe in self.probes.values():
            if isinstance(probe, PhaseValues):
                probe.show(phase.values)

    def compile_training(self) -> None:
        """Let `torch.compile` fuse the pass of a batch through the network; what is measured is not compiled.

        Raises:
            ValueError: a step on all training samples, which is not compiled.
        """
        if not isinstance(self.objective, OnBatches):
            raise ValueError("compile: expected an experiment that trains on batches, got one on all samples at once")
        self._compiled = torch.compile(self.model.features, dynamic=False)

    def forward(self, due: Sequence[str], *, last: bool = False) -> tuple[Float[Tensor, ""], Observed]:
        """Training loss, and what the probes named in `due` observe of the network before it is trained any further.

        After the `last` step nothing is trained: the loss is the criterion on the training samples that are measured.
        """
        begun = self.begin()
        snapshot = self.snapshot(begun.known)
        snapshot.model.eval()  # batch normalisation by its averages, which stay as they are
        observed = self.observe(due, snapshot)
        if last:
            return snapshot.loss("train"), observed
        self.model.train()
        return begun.loss(), observed

    def begin(self) -> Begun:
        """Begin the loss of the next step, with what can be computed before the network is measured."""
        return self.objective.begin(self.model, self._features, self.samples("train"))

    def _features(self, inputs: Shaped[Tensor, "batch *shape"]) -> Float[Tensor, "batch dim"]:
        """The network's features of some inputs in training."""
        features = self._compiled or self.model.features
        if self._autocast is None:
            return features(inputs)
        with torch.autocast(inputs.device.type, self._autocast, cache_enabled=False):
            return features(inputs).float()

    def snapshot(self, known: Known | None = None) -> Snapshot:
        """The network as the probes see it, with what training has computed on the training samples already.

        What training has computed is left aside where the average is measured, or where training has another precision.
        """
        same = self.average is None and self._autocast is None
        return Snapshot(
            model=self.average or self.model,
            samples={split: self.samples(split) for split in SPLITS},
            known={"train": known} if known and same else {},
            criterion=self.objective.criterion,
            objective=self.objective.values(),
            at_once=self._at_once,
        )

    @torch.no_grad()
    def observe(self, due: Sequence[str], snapshot: Snapshot) -> Observed:
        """What the probes named in `due` observe."""
        return {name: self.probes[name].observe(snapshot) for name in due}
