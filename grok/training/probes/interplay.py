"""MIR and HDR of the three pairings: prototype, sample, embedding."""

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor

from grok.config import ConfigError, Schedule
from grok.information import Interplay, gram_interplay
from grok.models import TokenClassifier
from grok.random import stream
from grok.tasks import Split, Task
from grok.training.probes.probe import SPLITS, Metrics, Observation, Probe
from grok.training.snapshot import Snapshot


class PrototypeInterplay(Probe):
    """Pairing `prototype`: the C head rows with the C class means, centred on the global mean (Theorem 4.2)."""

    name = "prototype"

    def __init__(self, schedule: Schedule, task: Task) -> None:
        super().__init__(schedule)
        self._sizes = {split: len(task.indices(split)) for split in SPLITS}
        for split in SPLITS:
            count = _class_counts(task, split)
            self.register_buffer(f"{split}_frequencies", count / count.sum())
            # Class means as a product with this matrix: it sums in the same order every time, on a GPU too.
            averages = (F.one_hot(_targets(task, split), task.num_classes) / count).T.float().contiguous()
            self.register_buffer(f"{split}_averages", averages)

    def observe(self, snapshot: Snapshot) -> Observation:
        """The head rows, and the centred class means of either split."""
        observed: Observation = {"head": snapshot.model.head.weight}
        for split in SPLITS:
            class_means = (self.get_buffer(f"{split}_averages") @ snapshot.features(split)).double()
            observed[split] = class_means - self.get_buffer(f"{split}_frequencies") @ class_means
        return observed

    def evaluate(self, observed: Observation) -> Metrics:
        """Columns `interplay/prototype/<split>/<value>`."""
        metrics: Metrics = {}
        for split in SPLITS:
            metrics |= _interplay_columns(f"interplay/prototype/{split}", observed["head"], observed[split])
        return metrics

    def pad(self, split: Split, size: int) -> None:
        """Padding has no share in a class mean."""
        averages = self.get_buffer(f"{split}_averages")[:, : self._sizes[split]]
        setattr(self, f"{split}_averages", F.pad(averages, (0, size - self._sizes[split])))


class SampleInterplay(Probe):
    """Pairing `sample`: n samples' representations with the head rows of their labels (Corollary 4.3)."""

    name = "sample"

    def __init__(self, schedule: Schedule, task: Task, *, size: int, seed: int) -> None:
        super().__init__(schedule)
        for split in SPLITS:
            order = torch.randperm(len(task.indices(split)), generator=stream(seed, f"sample/{split}"))
            self.register_buffer(f"{split}_chosen", order[:size].to(task.targets.device))

    def chosen(self, split: Split) -> Int[Tensor, "sample"]:
        """Which of the split's samples are measured."""
        return self.get_buffer(f"{split}_chosen")

    def observe(self, snapshot: Snapshot) -> Observation:
        """The chosen samples' features, and the head rows of their labels."""
        observed: Observation = {}
        for split in SPLITS:
            observed[f"{split}/features"] = snapshot.features(split)[self.chosen(split)]
            observed[f"{split}/head"] = snapshot.model.head.weight[snapshot.targets(split)[self.chosen(split)]]
        return observed

    def evaluate(self, observed: Observation) -> Metrics:
        """Columns `interplay/sample/<split>/<value>`."""
        metrics: Metrics = {}
        for split in SPLITS:
            features, head_rows = observed[f"{split}/features"], observed[f"{split}/head"]
            metrics |= _interplay_columns(f"interplay/sample/{split}", features, head_rows)
        return metrics


class EmbeddingInterplay(Probe):
    """Pairing `embedding`: token embeddings with the unembedding, token by token. It knows no split."""

    name = "embedding"

    def observe(self, snapshot: Snapshot) -> Observation:
        """Both sets of vectors."""
        assert isinstance(snapshot.model, TokenClassifier)
        return {"embedding": snapshot.model.token_embeddings(), "head": snapshot.model.head.weight}

    def evaluate(self, observed: Observation) -> Metrics:
        """Columns `interplay/embedding/<value>`."""
        return _interplay_columns("interplay/embedding", observed["embedding"], observed["head"])


def _interplay_columns(
    prefix: str, vectors_1: Float[Tensor, "*batch n dim_1"], vectors_2: Float[Tensor, "*batch n dim_2"]
) -> Metrics:
    # float64, so that what is recorded is the measure and not its rounding; unchecked, so that no GPU is waited for.
    values = gram_interplay(vectors_1.double(), vectors_2.double(), check=False)
    return {f"{prefix}/{name}": value for name, value in zip(Interplay._fields, values, strict=True)}


def _targets(task: Task, split: Split) -> Int[Tensor, "split"]:
    return task.targets[task.indices(split)]


def _class_counts(task: Task, split: Split) -> Float[Tensor, "class"]:
    counts = torch.bincount(_targets(task, split), minlength=task.num_classes).double()
    empty = int((counts == 0).sum())
    if empty:
        raise ConfigError(
            f"task.train_fraction: {empty} of {task.num_classes} classes have no {split} sample, and the prototype "
            "pairing needs one of each: move it towards 0.5, or set probes.prototype off"
        )
    return counts
