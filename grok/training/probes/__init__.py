"""Probes, one file a kind: what is measured on a network while it trains."""

from collections.abc import Callable, Iterable

import torch

from grok.config import ClassifierProbesConfig, ConfigError, Schedule
from grok.tasks import Task
from grok.training.loss import Criterion, cross_entropy
from grok.training.probes.accuracy import Accuracy
from grok.training.probes.before_after import BeforeAfter
from grok.training.probes.collapse import Collapse
from grok.training.probes.fourier import Fourier
from grok.training.probes.interplay import EmbeddingInterplay, PrototypeInterplay, SampleInterplay
from grok.training.probes.neurons import Neurons
from grok.training.probes.norms import Norms
from grok.training.probes.objective_values import ObjectiveValues
from grok.training.probes.phase_values import PhaseValues
from grok.training.probes.probe import SPLITS, Metrics, Observation, Probe
from grok.training.probes.rank import Rank
from grok.training.probes.sizes import SampleSizes
from grok.training.probes.spectrum import Spectrum
from grok.training.probes.swapped import Swapped


def make_probes(
    config: ClassifierProbesConfig, task: Task, seed: int, *, criterion: Criterion = cross_entropy
) -> list[Probe]:
    """The probes that `config` switches on, of a network that trains with `criterion`, here in float64.

    Raises:
        ConfigError: as `check_classes`.
    """
    check_classes(config, task)
    makers: dict[str, Callable[[Schedule], Probe]] = {
        "accuracy": Accuracy,
        "norms": Norms,
        "prototype": lambda schedule: PrototypeInterplay(schedule, task),
        "sample": lambda schedule: SampleInterplay(schedule, task, size=config.sample_size, seed=seed),
        "embedding": EmbeddingInterplay,
        "fourier": lambda schedule: Fourier(schedule, task, criterion),
        "neurons": lambda schedule: Neurons(schedule, task),
        "spectrum": lambda schedule: Spectrum(schedule, task),
        "swapped": lambda schedule: Swapped(schedule, task),
        "sample_sizes": lambda schedule: SampleSizes(schedule, task, seed=seed),
        "collapse": Collapse,
        "rank": Rank,
    }
    schedules = {name: config.schedule(name) for name in makers if name in config.names()}
    return [makers[name](schedule) for name, schedule in schedules.items() if schedule.kind != "off"]


def objective_probes(config: ClassifierProbesConfig, columns: Iterable[str]) -> list[Probe]:
    """The probe of what the training loss is made of, if it has columns and the loss is measured; as often as that."""
    columns, schedule = list(columns), config.schedule("accuracy")
    return [ObjectiveValues(schedule, columns)] if columns and schedule.kind != "off" else []


def check_classes(config: ClassifierProbesConfig, task: Task) -> None:
    """Refuse probes that need samples of classes that the task has none of.

    Raises:
        ConfigError: a probe of class means where a split has samples of one class alone, or a Fourier probe with a
            class of the cycle that is the result of no pair.
    """
    if task.cycle is not None:
        missing = int((torch.bincount(task.targets, minlength=task.num_classes)[task.cycle] == 0).sum())
        for name in ("fourier", "spectrum"):
            if missing and getattr(config, name) != "off":
                raise ConfigError(
                    f"task.operation: {missing} of {task.num_classes} classes are the result of no pair, and Fourier "
                    f"modes need them all: choose another operation or modulus, or set probes.{name} off"
                )
    if all(getattr(config, name) == "off" for name in ("prototype", "collapse", "rank")):
        return
    for split in SPLITS:
        present = len(task.targets[task.indices(split)].unique())
        if present < 2:
            raise ConfigError(
                f"task.train_fraction: expected samples of at least 2 classes in {split}, got {present} "
                "(move it towards 0.5)"
            )


__all__ = [
    "SPLITS",
    "BeforeAfter",
    "Metrics",
    "ObjectiveValues",
    "Observation",
    "PhaseValues",
    "Probe",
    "check_classes",
    "make_probes",
    "objective_probes",
]
