"""Probes, one file a kind: what is measured on a network while it trains."""

from collections.abc import Callable

from grok.config import ProbesConfig, Schedule
from grok.tasks import Task
from grok.training.probes.accuracy import Accuracy
from grok.training.probes.fourier import Fourier
from grok.training.probes.interplay import EmbeddingInterplay, PrototypeInterplay, SampleInterplay
from grok.training.probes.neurons import Neurons
from grok.training.probes.norms import Norms
from grok.training.probes.probe import SPLITS, Metrics, Observation, Probe
from grok.training.probes.spectrum import Spectrum


def make_probes(config: ProbesConfig, task: Task, seed: int) -> list[Probe]:
    """The probes that `config` switches on.

    Raises:
        ConfigError: the `prototype` pairing with a class that has no sample in a split, or a Fourier probe with a
            class of the cycle that is the result of no pair.
    """
    makers: dict[str, Callable[[Schedule], Probe]] = {
        "accuracy": Accuracy,
        "norms": Norms,
        "prototype": lambda schedule: PrototypeInterplay(schedule, task),
        "sample": lambda schedule: SampleInterplay(schedule, task, size=config.sample_size, seed=seed),
        "embedding": EmbeddingInterplay,
        "fourier": lambda schedule: Fourier(schedule, task),
        "neurons": lambda schedule: Neurons(schedule, task),
        "spectrum": lambda schedule: Spectrum(schedule, task),
    }
    schedules = {name: config.schedule(name) for name in makers}
    return [make(schedules[name]) for name, make in makers.items() if schedules[name].kind != "off"]


__all__ = ["SPLITS", "Metrics", "Observation", "Probe", "make_probes"]
