"""Probes: what is measured on a network while it trains. Results stay on their device; the recorder fetches them."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import ClassVar

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor

from grok.config import ConfigError, ProbesConfig, Schedule
from grok.information import Interplay, gram_interplay
from grok.models import TokenClassifier
from grok.random import stream
from grok.tasks import Split, Task
from grok.training.snapshot import Snapshot

SPLITS: tuple[Split, ...] = ("train", "test")

Metrics = dict[str, Float[Tensor, ""]]


class Probe(ABC):
    """One measurement and when to take it."""

    name: ClassVar[str]

    def __init__(self, schedule: Schedule) -> None:
        self.schedule = schedule

    @abstractmethod
    def measure(self, snapshot: Snapshot) -> Metrics:
        """The metrics of this step, by column name."""


class Accuracy(Probe):
    """Mean cross-entropy (nats) and accuracy (fraction) on train and test."""

    name = "accuracy"

    def measure(self, snapshot: Snapshot) -> Metrics:
        """Columns `train/loss`, `train/accuracy`, `test/loss`, `test/accuracy`."""
        metrics: Metrics = {}
        for split in SPLITS:
            correct = snapshot.logits(split).argmax(dim=-1) == snapshot.targets(split)
            metrics[f"{split}/loss"] = snapshot.loss(split)
            metrics[f"{split}/accuracy"] = correct.double().mean()
        return metrics


class Norms(Probe):
    """Weight norm, and logit scale on train and test."""

    name = "norms"

    def measure(self, snapshot: Snapshot) -> Metrics:
        """Columns `weight_norm` (L2, all parameters), `train/logit_scale`, `test/logit_scale`.

        The logit scale is the root mean square of the logits, centred over classes: what softmax sees of them.
        """
        norms = torch.stack([parameter.detach().double().norm() for parameter in snapshot.model.parameters()])
        metrics = {"weight_norm": norms.norm()}
        for split in SPLITS:
            logits = snapshot.logits(split)
            centred = logits - logits.mean(dim=-1, keepdim=True)
            metrics[f"{split}/logit_scale"] = centred.square().mean().sqrt().double()
        return metrics


class PrototypeInterplay(Probe):
    """Pairing `prototype`: the C head rows with the C class means, centred on the global mean (Theorem 4.2)."""

    name = "prototype"

    def __init__(self, schedule: Schedule, task: Task) -> None:
        super().__init__(schedule)
        counts = {split: _class_counts(task, split) for split in SPLITS}
        self._class_frequencies = {split: count / count.sum() for split, count in counts.items()}
        # Class means as a product with this matrix: it sums in the same order every time, on a GPU too.
        self._averages = {
            split: (F.one_hot(_targets(task, split), task.num_classes) / count).T.float().contiguous()
            for split, count in counts.items()
        }

    def measure(self, snapshot: Snapshot) -> Metrics:
        """Columns `interplay/prototype/<split>/<value>`."""
        metrics: Metrics = {}
        for split in SPLITS:
            class_means = (self._averages[split] @ snapshot.features(split)).double()
            global_mean = self._class_frequencies[split] @ class_means
            metrics |= _interplay_columns(
                f"interplay/prototype/{split}", snapshot.model.head.weight, class_means - global_mean
            )
        return metrics


class SampleInterplay(Probe):
    """Pairing `sample`: n samples' representations with the head rows of their labels (Corollary 4.3)."""

    name = "sample"

    def __init__(self, schedule: Schedule, task: Task, *, size: int, seed: int) -> None:
        super().__init__(schedule)
        self._chosen: dict[Split, Int[Tensor, "sample"]] = {
            split: torch.randperm(len(task.indices(split)), generator=stream(seed, f"sample/{split}"))[:size].to(
                task.targets.device
            )
            for split in SPLITS
        }

    def measure(self, snapshot: Snapshot) -> Metrics:
        """Columns `interplay/sample/<split>/<value>`."""
        metrics: Metrics = {}
        for split, chosen in self._chosen.items():
            head_rows = snapshot.model.head.weight[snapshot.targets(split)[chosen]]
            metrics |= _interplay_columns(f"interplay/sample/{split}", snapshot.features(split)[chosen], head_rows)
        return metrics


class EmbeddingInterplay(Probe):
    """Pairing `embedding`: token embeddings with the unembedding, token by token. It knows no split."""

    name = "embedding"

    def __init__(self, schedule: Schedule, model: TokenClassifier) -> None:
        super().__init__(schedule)
        self._model = model

    def measure(self, snapshot: Snapshot) -> Metrics:
        """Columns `interplay/embedding/<value>`."""
        return _interplay_columns("interplay/embedding", self._model.token_embeddings(), self._model.head.weight)


def make_probes(config: ProbesConfig, task: Task, model: TokenClassifier, seed: int) -> list[Probe]:
    """The probes that `config` switches on.

    Raises:
        ConfigError: the `prototype` pairing with a class that has no sample in a split.
    """
    makers: dict[str, Callable[[Schedule], Probe]] = {
        "accuracy": Accuracy,
        "norms": Norms,
        "prototype": lambda schedule: PrototypeInterplay(schedule, task),
        "sample": lambda schedule: SampleInterplay(schedule, task, size=config.sample_size, seed=seed),
        "embedding": lambda schedule: EmbeddingInterplay(schedule, model),
    }
    schedules = {name: Schedule.parse(getattr(config, name)) for name in makers}
    return [make(schedules[name]) for name, make in makers.items() if schedules[name].kind != "off"]


def _interplay_columns(
    prefix: str, vectors_1: Float[Tensor, "n dim_1"], vectors_2: Float[Tensor, "n dim_2"]
) -> Metrics:
    # float64, so that what is recorded is the measure and not its rounding; unchecked, so that no GPU is waited for.
    values = gram_interplay(vectors_1.detach().double(), vectors_2.detach().double(), check=False)
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
