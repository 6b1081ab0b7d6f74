"""The interface of an experiment, and the registry of experiments.

An experiment is one registered object. The store, reports, figures, sweeps and the command line ask it for everything
that differs between experiments, so that none of them names an experiment.
"""

from __future__ import annotations

import importlib
import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from grok.analysis.report import events_in_words
from grok.config import ConfigError, did_you_mean
from grok.tracking.store import REFERENCE

if TYPE_CHECKING:
    import torch

    from grok.figures import FigureKind
    from grok.tasks import Task
    from grok.tasks.images import DataFolder
    from grok.tracking import Run
    from grok.training.step import Member

NAME = re.compile(r"[a-z0-9][a-z0-9-]*")
SHIPPED = "grok.experiments"  # the module whose import registers the experiments that come with the package


class Experiment(ABC):
    """One kind of training: its settings, how it is built, and what its records mean.

    A subclass imports torch and matplotlib only inside the methods that need them, so that listing runs stays fast.
    """

    name: str
    """The name on the command line, in run.json and of the folder in the store."""
    description: str
    """One line that says what it trains and measures."""
    config_type: type[Any]
    """The frozen dataclass of its settings, each with a default; the property `label` names runs for people."""
    presets: Mapping[str, Callable[[], Any]]
    """Functions that return a whole config, by the names that `--preset` accepts."""
    default_preset: str
    """The preset that is used by default."""
    phase_columns: Sequence[str] = ()
    """Columns of the record that distinguish the phases of a training; each is constant within a phase."""
    groks: bool = False
    """Whether its networks may grok, so that lists of runs show the step at which each one grokked."""
    together: int = 1
    """Default number of runs that train as one stack on a GPU."""

    @abstractmethod
    def build(self, config: Any, seed: int, device: torch.device, data: DataFolder | None = None) -> Member:
        """Return the network at step 0, with everything that trains and measures it.

        `data` is the folder with the data sets that are read from files; None means `data/`.
        """

    def task(self, config: Any, seed: int, data: DataFolder | None = None) -> Task:
        """Return the samples on which a run is measured, with their split; by default none are known."""
        raise ConfigError(f"{self.name}: expected an experiment that defines `task`, got one without: add the method")

    def check(self, config: Any, seed: int, data: DataFolder | None = None) -> None:  # noqa: B027  by default all pass
        """Reject a config that is valid by itself but impossible with the data of this seed.

        The check is cheap compared with `build`. If `data` is None, it does not look for data sets.

        Raises:
            ConfigError: if the data make the config impossible; its subclass DataError, if data are missing.
        """

    def memory(self, config: Any, *, members: int, device: str, threads: int) -> int:
        """Return about how many bytes it takes to train `members` runs of a config together on a kind of device.

        A training that needs more than is free is refused before it begins. By default nothing is estimated.
        """
        return 0

    def alike(self, config: Any) -> Any:
        """Return a key of the config; configs with equal keys can train in one stack."""
        return config.identity()

    def learned(self, config: Any) -> str:
        """Return what a network with these settings learns, for titles: by default the label of the settings."""
        return str(config.label)

    def control(self, config: Any, main: Any) -> str | None:
        """Return what makes a config a control of the main one, such as `weight decay 0`, or None if nothing does.

        A control differs from the main config in that alone, so that a difference between their runs is due to it. By
        default there are none.
        """
        return None

    def summarise(self, run: Run) -> dict[str, Any]:
        """Return the summary of a finished run for run.json, by default its `events` and its `last` row."""
        from grok.analysis.summary import summary_of

        return summary_of(run)

    def outcome(self, run: Run) -> list[str]:
        """Return the result of a finished run as lines for a terminal, by default its events."""
        return events_in_words(run.manifest()["summary"], groks=self.groks)

    def figures(self) -> Sequence[FigureKind[Any]]:
        """Return the kinds of figures that show its runs; several experiments may share a kind."""
        return ()


class UnknownExperimentError(ConfigError):
    """Raised when no experiment has the given name."""


_registered: dict[str, Experiment] = {}


def register(experiment: Experiment) -> None:
    """Make an experiment known by its name, in this process only.

    Raises:
        ValueError: if another experiment has this name, if the name cannot be that of a folder of the store, or if the
            default preset is none of the presets.
    """
    importlib.import_module(SHIPPED)  # so that those of the package are registered first
    if not NAME.fullmatch(experiment.name) or experiment.name == REFERENCE:
        expected = f"small letters, digits and hyphens, and not {REFERENCE!r}"
        raise ValueError(f"experiment: expected a name of {expected}, got {experiment.name!r}")
    if experiment.default_preset not in experiment.presets:
        presets = ", ".join(experiment.presets)
        raise ValueError(f"default_preset: expected one of {presets}, got {experiment.default_preset!r}")
    if experiment.name in _registered:
        raise ValueError(f"experiment: expected a name that no other experiment has, got {experiment.name!r}")
    _registered[experiment.name] = experiment


def experiments() -> dict[str, Experiment]:
    """Return all experiments by name: first those of the package, then those that were registered later."""
    importlib.import_module(SHIPPED)  # by name, since the experiments themselves import this module
    return dict(_registered)


def experiment(name: str) -> Experiment:
    """Return the experiment of this name.

    Raises:
        UnknownExperimentError: if there is none; the message lists all experiments.
    """
    known = experiments()
    if name not in known:
        raise UnknownExperimentError(
            f"experiment: expected one of {', '.join(known)}, got {name!r}{did_you_mean(name, known)}"
        )
    return known[name]
