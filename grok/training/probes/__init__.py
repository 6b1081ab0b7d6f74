"""Probes, one file per kind, which measure a network while it trains."""

from collections.abc import Iterable

from grok.config import ClassifierProbesConfig
from grok.config.checks import require
from grok.models import Classifier, TokenClassifier
from grok.tasks import Task
from grok.training.loss import Criterion, cross_entropy
from grok.training.probes.before_after import BeforeAfter
from grok.training.probes.collapse import Collapse
from grok.training.probes.fourier import Fourier, Neurons, Spectrum
from grok.training.probes.interplay import EmbeddingInterplay, PrototypeInterplay, SampleInterplay
from grok.training.probes.probe import SPLITS, Metrics, Observation, Probe, Subject
from grok.training.probes.rank import Rank
from grok.training.probes.scalars import Accuracy, Norms, ObjectiveValues, PhaseValues
from grok.training.probes.sizes import SampleSizes
from grok.training.probes.swapped import Swapped

PROBES: dict[str, type[Probe]] = {
    probe.name: probe
    for probe in (
        Accuracy,
        Norms,
        PrototypeInterplay,
        SampleInterplay,
        EmbeddingInterplay,
        Fourier,
        Neurons,
        Spectrum,
        Swapped,
        SampleSizes,
        Collapse,
        Rank,
    )
}
"""The probes that settings can switch on, by name."""


def register_probe(probe: type[Probe]) -> type[Probe]:
    """Register a probe from outside the package, so that settings can schedule it by name; use it as a decorator.

    Raises:
        ValueError: if another probe has this name.
    """
    if PROBES.setdefault(probe.name, probe) is not probe:
        raise ValueError(f"name: expected one that no other probe has, got {probe.name}")
    return probe


def make_probes(
    config: ClassifierProbesConfig, task: Task, model: Classifier, seed: int, *, criterion: Criterion = cross_entropy
) -> list[Probe]:
    """Return the probes that `config` switches on; `criterion`, in float64, is the loss that the network trains with.

    Raises:
        ConfigError: under the conditions of `check_task`, or if a probe of tokens meets a network that embeds none.
    """
    check_task(config, task)
    subject = Subject(task=task, model=model, seed=seed, criterion=criterion, config=config)
    for probe in _switched_on(config):
        fits = isinstance(model, TokenClassifier) or not probe.needs_tokens
        what = f"off, as {type(model).__name__} is no TokenClassifier"
        require(fits, f"probes.{probe.name}", what, getattr(config, probe.name))
    return [probe.make(config.schedule(probe.name), subject) for probe in _switched_on(config)]


def check_task(config: ClassifierProbesConfig, task: Task) -> None:
    """Reject probes that have nothing to measure on a task.

    Raises:
        ConfigError: for example if a probe needs class means and a split has samples of only one class.
    """
    for probe in _switched_on(config):
        probe.check(task)


def _switched_on(config: ClassifierProbesConfig) -> list[type[Probe]]:
    """Return the scheduled probes, in the order of their registration."""
    named = {name for name in config.names() if config.schedule(name).kind != "off"}
    if unknown := sorted(named - set(PROBES)):
        raise ValueError(f"config: expected schedules of probes that are registered, got {', '.join(unknown)}")
    return [probe for name, probe in PROBES.items() if name in named]


def objective_probes(config: ClassifierProbesConfig, columns: Iterable[str]) -> list[Probe]:
    """Return the probe of the parts of the training loss, on the schedule of the loss, if there are any to measure."""
    columns, schedule = list(columns), config.schedule("accuracy")
    return [ObjectiveValues(schedule, columns)] if columns and schedule.kind != "off" else []


__all__ = [
    "PROBES",
    "SPLITS",
    "BeforeAfter",
    "Metrics",
    "ObjectiveValues",
    "Observation",
    "PhaseValues",
    "Probe",
    "Subject",
    "check_task",
    "make_probes",
    "objective_probes",
    "register_probe",
]
