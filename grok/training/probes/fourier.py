"""Fourier structure of what a network represents and of its neurons, and the losses with and without its circuit."""

import torch
from jaxtyping import Int
from torch import Tensor

from grok.config import ConfigError, Schedule
from grok.information import fourier_interplay
from grok.information.gram import unit_rows
from grok.models import TokenClassifier
from grok.tasks import Split, Task
from grok.training.loss import Criterion
from grok.training.probes.means import class_means, first_element_means, require_elements
from grok.training.probes.modes import circuit_losses, concentration, fourier_basis, power, single_frequency_share
from grok.training.probes.probe import Metrics, Observation, Probe, Subject
from grok.training.snapshot import Snapshot


class Fourier(Probe):
    """Concentration of embedding, unembedding and class means; the interplay of their spectra; two losses.

    Restricted and excluded loss are of the criterion that the run trains with, softmax or StableMax, in float64.
    """

    name = "fourier"
    needs_tokens = True

    def __init__(self, schedule: Schedule, task: Task, criterion: Criterion) -> None:
        """Of a task whose cycle has no class without a pair; the network trains with this criterion."""
        super().__init__(schedule)
        cycle = cycle_of(task, self.name)
        self._criterion = criterion
        self._cycle_length = len(cycle)
        self._means = class_means(task)
        self.register_buffer("basis", fourier_basis(cycle, task.num_classes))

    @classmethod
    def make(cls, schedule: Schedule, subject: Subject) -> Probe:
        """For the cycle of the task and the criterion of the training."""
        return cls(schedule, subject.task, subject.criterion)

    @classmethod
    def check(cls, task: Task) -> None:
        """Reject a task without a cycle, and one with a class of the cycle that is the result of no pair."""
        require_whole_cycle(task, cls.name)

    def observe(self, snapshot: Snapshot) -> Observation:
        """Embedding, unembedding, class means about the global mean, and both losses, whose weights are the seed's."""
        assert isinstance(snapshot.model, TokenClassifier)
        head, counts = snapshot.model.head.weight, self._means.counts
        means = self._means(snapshot.features)
        losses = circuit_losses(
            class_logits=means @ head.double().mT,
            pairs=counts,
            logits=snapshot.logits("train"),
            targets=snapshot.targets("train"),
            basis=self.get_buffer("basis"),
            criterion=self._criterion,
        )
        return {
            "embedding": snapshot.model.token_embeddings(),
            "unembedding": head,
            "class_means": means - counts @ means / counts.sum(),
            "fourier/restricted_loss": losses.restricted,
            "fourier/excluded_loss": losses.excluded,
        }

    def evaluate(self, observed: Observation) -> Metrics:
        """Columns `fourier/<object>/<value>`, `theory/<pairing>/mir` and `hdr`, and the losses as observed.

        Concentration is that of vectors as they are, as published; theory needs the spectra of unit vectors.
        """
        losses = ("fourier/restricted_loss", "fourier/excluded_loss")
        metrics: Metrics = {column: observed[column] for column in losses}
        basis, spectra = self.get_buffer("basis"), {}
        for name in ("embedding", "unembedding", "class_means"):
            vectors = observed[name].double()
            values = concentration(power(vectors, basis))._asdict()
            metrics |= {f"fourier/{name}/{value}": number for value, number in values.items()}
            spectra[name] = power(unit_rows(vectors), basis) / self._cycle_length
        for pairing, name in (("prototype", "class_means"), ("embedding", "embedding")):
            theory = fourier_interplay(spectra[name], spectra["unembedding"], self._cycle_length, check=False)
            metrics |= {f"theory/{pairing}/mir": theory.mir, f"theory/{pairing}/hdr": theory.hdr}
        return metrics

    def pad(self, split: Split, size: int) -> None:
        """Padding has no share in a class mean; its target is none."""
        self._means.pad(split, size)


def cycle_of(task: Task, probe: str) -> Int[Tensor, "cycle"]:
    """The cycle of a task; ConfigError, which names the probe, if it has none."""
    if task.cycle is None:
        raise ConfigError(f"probes.{probe}: expected off, as the classes of the task lie on no cycle, got a schedule")
    return task.cycle


def require_whole_cycle(task: Task, probe: str) -> None:
    """Raise ConfigError unless each class of the task's cycle has a sample."""
    counts = torch.bincount(task.targets, minlength=task.num_classes)
    missing = int((counts[cycle_of(task, probe)] == 0).sum())
    if missing:
        raise ConfigError(
            f"task.operation: {missing} of {task.num_classes} classes are the result of no pair, and Fourier "
            f"modes need them all: choose another operation or modulus, or set probes.{probe} off"
        )


class Neurons(Probe):
    """Concentration of the neurons' mean activations given the first token: of all together, and of each."""

    name = "neurons"
    needs_tokens = True

    def __init__(self, schedule: Schedule, task: Task) -> None:
        super().__init__(schedule)
        self._means = first_element_means(task)
        self.register_buffer("basis", fourier_basis(cycle_of(task, self.name), task.num_classes))

    @classmethod
    def make(cls, schedule: Schedule, subject: Subject) -> Probe:
        """For the cycle of the task."""
        return cls(schedule, subject.task)

    @classmethod
    def check(cls, task: Task) -> None:
        """Reject a task without a cycle, and one whose samples are not made of elements."""
        cycle_of(task, cls.name)
        require_elements(task, cls.name)

    def observe(self, snapshot: Snapshot) -> Observation:
        """Mean activations of each neuron over all pairs with the same first token."""
        return {"neurons": self._means(snapshot.neurons)}

    def evaluate(self, observed: Observation) -> Metrics:
        """Columns `fourier/neurons/<value>`; `single` is the mean share of a neuron's own largest frequency."""
        basis = self.get_buffer("basis")
        values = concentration(power(observed["neurons"], basis))._asdict()
        values["single"] = single_frequency_share(observed["neurons"], basis)
        return {f"fourier/neurons/{value}": number for value, number in values.items()}

    def pad(self, split: Split, size: int) -> None:
        """Padding has no share in a mean."""
        self._means.pad(split, size)


class Spectrum(Probe):
    """Power on every frequency: of embedding, unembedding, class means, and neurons' means given the first token."""

    name = "spectrum"
    needs_tokens = True

    def __init__(self, schedule: Schedule, task: Task) -> None:
        """Of a task with a cycle, each class of which is the result of a pair."""
        super().__init__(schedule)
        self._class_means = class_means(task)
        self._element_means = first_element_means(task)
        self.register_buffer("basis", fourier_basis(cycle_of(task, self.name), task.num_classes))

    @classmethod
    def make(cls, schedule: Schedule, subject: Subject) -> Probe:
        """For the cycle of the task."""
        return cls(schedule, subject.task)

    @classmethod
    def check(cls, task: Task) -> None:
        """Reject a task without a whole cycle, and one whose samples are not made of elements."""
        require_whole_cycle(task, cls.name)
        require_elements(task, cls.name)

    def observe(self, snapshot: Snapshot) -> Observation:
        """The four sets of vectors, one for each class or element, neither scaled nor centred."""
        assert isinstance(snapshot.model, TokenClassifier)
        return {
            "embedding": snapshot.model.token_embeddings(),
            "unembedding": snapshot.model.head.weight,
            "class_means": self._class_means(snapshot.features),
            "neurons": self._element_means(snapshot.neurons),
        }

    def evaluate(self, observed: Observation) -> Metrics:
        """Columns `spectrum/<object>/<f>`: the fraction of the whole power that lies on frequency f."""
        metrics: Metrics = {}
        for name, vectors in observed.items():
            on_each = power(vectors.double(), self.get_buffer("basis"))
            shares = (on_each / on_each.sum(dim=-1, keepdim=True)).unbind(dim=-1)
            metrics |= {f"spectrum/{name}/{frequency}": share for frequency, share in enumerate(shares)}
        return metrics

    def pad(self, split: Split, size: int) -> None:
        """Padding has no share in a mean."""
        self._class_means.pad(split, size)
        self._element_means.pad(split, size)
