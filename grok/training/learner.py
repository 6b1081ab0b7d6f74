"""One network with its data and its probes: everything that a step reads."""

from collections.abc import Callable, Mapping, Sequence

import torch
from jaxtyping import Float, Shaped
from torch import Tensor, nn

from grok.models import Classifier
from grok.tasks import Split, Task
from grok.training.information_term import InformationTerm
from grok.training.loss import Criterion
from grok.training.objective import Objective
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
        probes: Sequence[Probe],
        criterion: Criterion,
        objective: Objective | None = None,
        term: InformationTerm | None = None,
        average: Classifier | None = None,
        autocast: torch.dtype | None = None,
        at_once: int | None = None,
    ) -> None:
        """A network that trains by an `objective` on batches.

        If there is none it trains on all training samples of the task in each step, by the criterion, to which a `term`
        may be added. The probes measure it on the samples of the task, passing at most `at_once` of them through it
        together, and its loss by the criterion; or in its stead an `average` of it, whose parameters need no gradient.
        With `autocast`, products in training are in that precision; what is measured is not.
        """
        super().__init__()
        self.model = model
        self.criterion = criterion
        self.objective = objective
        self.term = term
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
    def has_term(self) -> bool:
        """Whether a term of information is part of the loss."""
        term = self.objective.term if self.objective else self.term
        return term is not None

    def state(self) -> dict[str, Tensor]:
        """The tensors themselves that the loss depends on beside the network and the data, by name."""
        source = self.objective or self.term
        return source.state() if source else {}

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
        for source in (self.objective, self.term):
            if source:
                source.prepare(first, count, order=phase.order)
        for probe in self.probes.values():
            if isinstance(probe, PhaseValues):
                probe.show(phase.values)

    def compile_training(self) -> None:
        """Let `torch.compile` fuse the pass of a batch through the network; what is measured is not compiled.

        Raises:
            ValueError: a step on all training samples, which is not compiled.
        """
        if self.objective is None:
            raise ValueError("compile: expected an experiment that trains on batches, got one on all samples at once")
        self._compiled = torch.compile(self.model.features, dynamic=False)

    def forward(self, due: Sequence[str], *, last: bool = False) -> tuple[Float[Tensor, ""], Observed]:
        """Training loss, and what the probes named in `due` observe of the network before it is trained any further.

        After the `last` step there is no batch: the loss is that of the training samples that are measured.
        """
        if self.objective is None:
            train = self.samples("train")
            features = self.model.features(train.inputs)
            logits = self.model.head(features)
            loss = self.criterion(logits, train.targets)
            observed = self.observe(due, self.snapshot({"train": (features, logits, loss)}))
            if self.term and not last:
                loss = loss + self.term(features, self.model.head.weight, train.targets)
            return loss, observed

        snapshot = self.snapshot()
        snapshot.model.eval()  # batch normalisation by its averages, which stay as they are
        observed = self.observe(due, snapshot)
        if last:
            return snapshot.loss("train"), observed
        self.model.train()
        return self.objective(self._features, self.model.head), observed

    def _features(self, inputs: Shaped[Tensor, "batch *shape"]) -> Float[Tensor, "batch dim"]:
        """Those of a batch in training."""
        with torch.autocast(
            inputs.device.type, self._autocast, enabled=self._autocast is not None, cache_enabled=False
        ):
            return (self._compiled or self.model.features)(inputs).float()

    def snapshot(self, known: Mapping[Split, Known] | None = None) -> Snapshot:
        """The network as the probes see it, with what is known of a split already."""
        samples = {split: self.samples(split) for split in SPLITS}
        source = self.objective or self.term
        return Snapshot(
            model=self.average or self.model,
            samples=samples,
            known=known or {},
            criterion=self.criterion,
            objective=source.values() if source else {},
            at_once=self._at_once,
        )

    @torch.no_grad()
    def observe(self, due: Sequence[str], snapshot: Snapshot) -> Observed:
        """What the probes named in `due` observe."""
        return {name: self.probes[name].observe(snapshot) for name in due}
