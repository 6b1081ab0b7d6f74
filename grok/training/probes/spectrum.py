"""The whole Fourier spectrum of what a network represents."""

from grok.analysis.fourier import fourier_basis, power
from grok.config import Schedule
from grok.models import TokenClassifier
from grok.tasks import Split, Task
from grok.training.probes.fourier import cycle_of, require_whole_cycle
from grok.training.probes.means import class_means, first_element_means, require_elements
from grok.training.probes.probe import Metrics, Observation, Probe, Subject
from grok.training.snapshot import Snapshot


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
