"""Fourier structure of the MLP's neurons."""

from grok.analysis.fourier import concentration, fourier_basis, power, single_frequency_share
from grok.config import Schedule
from grok.tasks import Split, Task
from grok.training.probes.fourier import cycle_of
from grok.training.probes.means import first_element_means, require_elements
from grok.training.probes.probe import Metrics, Observation, Probe, Subject
from grok.training.snapshot import Snapshot


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
