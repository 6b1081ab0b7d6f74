"""MIR and HDR of the three pairings prototype, sample and embedding."""

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from grok.columns import interplay
from grok.config import Schedule
from grok.information import Interplay, gram_interplay
from grok.models import TokenClassifier
from grok.random import stream
from grok.tasks import Split, Task
from grok.training.probes.means import SplitMeans
from grok.training.probes.probe import SPLITS, Metrics, Observation, Probe, Subject, require_classes
from grok.training.snapshot import Snapshot


class PrototypeInterplay(Probe):
    """Pairing `prototype`: head rows with class means, centred on the global mean (Theorem 4.2).

    The pairing uses only the n classes that occur in the split; the other classes have weight 0.
    """

    name = "prototype"
    per_member = tuple(f"{split}_{what}" for split in SPLITS for what in ("frequencies", "weights"))

    def __init__(self, schedule: Schedule, task: Task) -> None:
        super().__init__(schedule)
        counts = {
            split: torch.bincount(task.targets[task.indices(split)], minlength=task.num_classes).double()
            for split in SPLITS
        }
        self._means = SplitMeans(task, task.targets, counts)
        for split, count in counts.items():
            self.register_buffer(f"{split}_frequencies", count / count.sum())
            self.register_buffer(f"{split}_weights", (count > 0) / (count > 0).sum().double())

    @classmethod
    def make(cls, schedule: Schedule, subject: Subject) -> Probe:
        """Return the probe for the classes of the task."""
        return cls(schedule, subject.task)

    @classmethod
    def check(cls, task: Task) -> None:
        """Reject splits with samples of only one class."""
        require_classes(task)

    def observe(self, snapshot: Snapshot) -> Observation:
        """Return the head rows and, for each split, the centred class means and their weights."""
        observed: Observation = {"head": snapshot.model.head.weight}
        for split in SPLITS:
            class_means = self._means.of(split, snapshot.features(split)).double()
            observed[split] = class_means - self.get_buffer(f"{split}_frequencies") @ class_means
            observed[f"{split}/weights"] = self.get_buffer(f"{split}_weights")
        return observed

    def evaluate(self, observed: Observation) -> Metrics:
        """Return the columns `interplay/prototype/<split>/<value>`."""
        metrics: Metrics = {}
        for split in SPLITS:
            metrics |= interplay_columns(
                interplay("prototype", split), observed["head"], observed[split], observed[f"{split}/weights"]
            )
        return metrics

    def pad(self, split: Split, size: int) -> None:
        """Give the samples that pad a split weight 0 in the class means."""
        self._means.pad(split, size)


class SampleInterplay(Probe):
    """Pairing `sample`: the features of n samples with the head rows of their labels (Corollary 4.3)."""

    name = "sample"
    per_member = tuple(f"{split}_chosen" for split in SPLITS)

    def __init__(self, schedule: Schedule, task: Task, *, size: int, seed: int) -> None:
        super().__init__(schedule)
        for split in SPLITS:
            self.register_buffer(f"{split}_chosen", sample_order(task, split, seed)[:size].clone())

    @classmethod
    def make(cls, schedule: Schedule, subject: Subject) -> Probe:
        """Return the probe for `probes.sample_size` samples, which the seed chooses."""
        return cls(schedule, subject.task, size=subject.config.sample_size, seed=subject.seed)

    def chosen(self, split: Split) -> Int[Tensor, "sample"]:
        """Return the indices of the measured samples within the split."""
        return self.get_buffer(f"{split}_chosen")

    def observe(self, snapshot: Snapshot) -> Observation:
        """Return the features of the chosen samples and the head rows of their labels."""
        observed: Observation = {}
        for split in SPLITS:
            observed[f"{split}/features"] = snapshot.features(split)[self.chosen(split)]
            observed[f"{split}/head"] = snapshot.model.head.weight[snapshot.targets(split)[self.chosen(split)]]
        return observed

    def evaluate(self, observed: Observation) -> Metrics:
        """Return the columns `interplay/sample/<split>/<value>`."""
        metrics: Metrics = {}
        for split in SPLITS:
            features, head_rows = observed[f"{split}/features"], observed[f"{split}/head"]
            metrics |= interplay_columns(interplay("sample", split), features, head_rows)
        return metrics


class EmbeddingInterplay(Probe):
    """Pairing `embedding`: token embeddings with the unembedding, token by token. It does not depend on a split."""

    name = "embedding"
    needs_tokens = True

    def observe(self, snapshot: Snapshot) -> Observation:
        """Return the token embeddings and the head rows."""
        assert isinstance(snapshot.model, TokenClassifier)
        return {"embedding": snapshot.model.token_embeddings(), "head": snapshot.model.head.weight}

    def evaluate(self, observed: Observation) -> Metrics:
        """Return the columns `interplay/embedding/<value>`."""
        return interplay_columns(interplay("embedding"), observed["embedding"], observed["head"])


def sample_order(task: Task, split: Split, seed: int) -> Int[Tensor, "sample"]:
    """Return the samples of a split in a random order; the pairing `sample` measures the first of them."""
    order = torch.randperm(len(task.indices(split)), generator=stream(seed, f"sample/{split}"))
    return order.to(task.targets.device)


def interplay_columns(
    prefix: str,
    vectors_1: Float[Tensor, "*batch n dim_1"],
    vectors_2: Float[Tensor, "*batch n dim_2"],
    weights: Float[Tensor, "*batch n"] | None = None,
) -> Metrics:
    """Return the columns `<prefix>/<value>` of two sets of vectors; they are NaN if a vector has no direction.

    A zero vector has no direction. Pruning can produce a zero head row, and a ReLU can produce zero features.
    """
    directed = _directed(vectors_1, weights) & _directed(vectors_2, weights)
    vectors_1, vectors_2 = (torch.where(directed[..., None, None], each, 1.0) for each in (vectors_1, vectors_2))
    # float64 keeps rounding out of the record; without checks, the host does not wait for a GPU.
    values = gram_interplay(vectors_1.double(), vectors_2.double(), weights=weights, check=False)
    known = torch.where(directed, torch.stack(values), torch.nan)
    return {f"{prefix}/{name}": value for name, value in zip(Interplay._fields, known, strict=True)}


def _directed(
    vectors: Float[Tensor, "*batch n dim"], weights: Float[Tensor, "*batch n"] | None
) -> Bool[Tensor, "*batch"]:
    """Return whether all vectors with a weight above 0 are finite and not zero."""
    largest = vectors.abs().amax(dim=-1)
    directed = (largest > 0) & (largest < torch.inf)  # neither of which holds for NaN
    return (directed if weights is None else directed | (weights == 0)).all(dim=-1)
