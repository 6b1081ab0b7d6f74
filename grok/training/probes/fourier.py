"""Fourier structure of representations and neurons, and the losses with and without the Fourier circuit."""

import torch
from jaxtyping import Int
from torch import Tensor

from grok.columns import EXCLUDED_LOSS, RATIOS, RESTRICTED_LOSS, fourier, theory
from grok.config import ConfigError, Schedule
from grok.information import fourier_interplay
from grok.information.gram import unit_rows
from grok.models import TokenClassifier
from grok.tasks import Split, Task
from grok.training.loss import Criterion
from grok.training.probes.means import class_means, first_element_means, require_elements
from grok.training.probes.modes import concentration, fourier_basis, fourier_circuit, power, single_frequency_share
from grok.training.probes.probe import Metrics, Observation, Probe, Subject
from grok.training.snapshot import Snapshot


class Fourier(Probe):
    """Concentration of embedding, unembedding and class means; MIR and HDR of their spectra; and two losses.

    Restricted and excluded loss use the criterion of the training, with softmax or StableMax, in float64.
    """

    name = "fourier"
    needs_tokens = True

    def __init__(self, schedule: Schedule, task: Task, criterion: Criterion) -> None:
        """Make the probe for a task in which every class of the cycle has a pair, and for the training criterion."""
        super().__init__(schedule)
        cycle = cycle_of(task, self.name)
        self._criterion = criterion
        self._cycle_length = len(cycle)
        self._means = class_means(task)
        self.register_buffer("basis", fourier_basis(cycle, task.num_classes))

    @classmethod
    def make(cls, schedule: Schedule, subject: Subject) -> Probe:
        """Return the probe for the cycle of the task and the criterion of the training."""
        return cls(schedule, subject.task, subject.criterion)

    @classmethod
    def check(cls, task: Task) -> None:
        """Reject a task without a cycle, or with a class of the cycle that is the result of no pair."""
        require_whole_cycle(task, cls.name)

    def observe(self, snapshot: Snapshot) -> Observation:
        """Return embedding, unembedding, centred class means and both losses; class logits are means over all pairs."""
        assert isinstance(snapshot.model, TokenClassifier)
        head, counts = snapshot.model.head.weight, self._means.counts
        means = self._means(snapshot.features)
        circuit = fourier_circuit(means @ head.double().mT, self.get_buffer("basis"))
        return {
            "embedding": snapshot.model.token_embeddings(),
            "unembedding": head,
            "class_means": means - counts @ means / counts.sum(),
            RESTRICTED_LOSS: circuit.restricted_loss(counts, self._criterion),
            EXCLUDED_LOSS: snapshot.mean_loss("train", self._criterion, circuit.removed),
        }

    def evaluate(self, observed: Observation) -> Metrics:
        """Return the columns `fourier/<object>/<value>`, `theory/<pairing>/mir` and `hdr`, and the observed losses.

        As published, concentration is computed from unscaled vectors; theory needs the spectra of unit vectors.
        """
        metrics: Metrics = {column: observed[column] for column in (RESTRICTED_LOSS, EXCLUDED_LOSS)}
        basis, spectra = self.get_buffer("basis"), {}
        for name in ("embedding", "unembedding", "class_means"):
            vectors = observed[name].double()
            values = concentration(power(vectors, basis))._asdict()
            metrics |= {fourier(name, value): number for value, number in values.items()}
            spectra[name] = power(unit_rows(vectors), basis) / self._cycle_length
        for pairing, name in (("prototype", "class_means"), ("embedding", "embedding")):
            ratios = fourier_interplay(spectra[name], spectra["unembedding"], self._cycle_length, check=False)
            metrics |= {theory(pairing, ratio): getattr(ratios, ratio) for ratio in RATIOS}
        return metrics

    def pad(self, split: Split, size: int) -> None:
        """Give the samples that pad a split weight 0 in the class means; the losses ignore their targets."""
        self._means.pad(split, size)


def cycle_of(task: Task, probe: str) -> Int[Tensor, "cycle"]:
    """Return the cycle of a task; without one, raise ConfigError, which names the probe."""
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
    """Concentration of the neurons' mean activations by first token, for all neurons together and for each neuron."""

    name = "neurons"
    needs_tokens = True
    needs_neurons = True

    def __init__(self, schedule: Schedule, task: Task) -> None:
        super().__init__(schedule)
        self._means = first_element_means(task)
        self.register_buffer("basis", fourier_basis(cycle_of(task, self.name), task.num_classes))

    @classmethod
    def make(cls, schedule: Schedule, subject: Subject) -> Probe:
        """Return the probe for the cycle of the task."""
        return cls(schedule, subject.task)

    @classmethod
    def check(cls, task: Task) -> None:
        """Reject a task without a cycle, or with samples that are not made of elements."""
        cycle_of(task, cls.name)
        require_elements(task, cls.name)

    def observe(self, snapshot: Snapshot) -> Observation:
        """Return the mean activation of each neuron over all pairs with the same first token."""
        return {"neurons": self._means(snapshot.neurons)}

    def evaluate(self, observed: Observation) -> Metrics:
        """Return the columns `fourier/neurons/<value>`; `single` is the mean share of a neuron's largest frequency."""
        basis = self.get_buffer("basis")
        values = concentration(power(observed["neurons"], basis))._asdict()
        values["single"] = single_frequency_share(observed["neurons"], basis)
        return {fourier("neurons", value): number for value, number in values.items()}

    def pad(self, split: Split, size: int) -> None:
        """Give the samples that pad a split weight 0 in the means."""
        self._means.pad(split, size)


class Spectrum(Probe):
    """Power of embedding, unembedding, class means and the neurons' means by first token on every frequency."""

    name = "spectrum"
    needs_tokens = True
    needs_neurons = True

    def __init__(self, schedule: Schedule, task: Task) -> None:
        """Make the probe for a task in which every class of the cycle is the result of a pair."""
        super().__init__(schedule)
        self._class_means = class_means(task)
        self._element_means = first_element_means(task)
        self.register_buffer("basis", fourier_basis(cycle_of(task, self.name), task.num_classes))

    @classmethod
    def make(cls, schedule: Schedule, subject: Subject) -> Probe:
        """Return the probe for the cycle of the task."""
        return cls(schedule, subject.task)

    @classmethod
    def check(cls, task: Task) -> None:
        """Reject a task without a whole cycle, or with samples that are not made of elements."""
        require_whole_cycle(task, cls.name)
        require_elements(task, cls.name)

    def observe(self, snapshot: Snapshot) -> Observation:
        """Return the four sets of vectors, one vector per class or element, neither scaled nor centred."""
        assert isinstance(snapshot.model, TokenClassifier)
        return {
            "embedding": snapshot.model.token_embeddings(),
            "unembedding": snapshot.model.head.weight,
            "class_means": self._class_means(snapshot.features),
            "neurons": self._element_means(snapshot.neurons),
        }

    def evaluate(self, observed: Observation) -> Metrics:
        """Return the columns `spectrum/<object>/<f>`, the fraction of the total power on frequency f."""
        metrics: Metrics = {}
        for name, vectors in observed.items():
            on_each = power(vectors.double(), self.get_buffer("basis"))
            shares = (on_each / on_each.sum(dim=-1, keepdim=True)).unbind(dim=-1)
            metrics |= {f"spectrum/{name}/{frequency}": share for frequency, share in enumerate(shares)}
        return metrics

    def pad(self, split: Split, size: int) -> None:
        """Give the samples that pad a split weight 0 in the means."""
        self._class_means.pad(split, size)
        self._element_means.pad(split, size)
