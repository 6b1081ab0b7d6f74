"""What an experiment is, and which ones there are.

An experiment is one registered object. The store, the reports, the figures, sweeps and the command line ask it for all
that differs from one experiment to another, so that none of them names an experiment.
"""

from __future__ import annotations

import importlib
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from grok.analysis.report import events_in_words
from grok.analysis.summary import summary_of
from grok.config import ConfigError, did_you_mean

if TYPE_CHECKING:
    import torch

    from grok.figures import FigureKind
    from grok.tasks.images import DataFolder
    from grok.tracking import Run
    from grok.training.step import Member

SHIPPED = "grok.experiments"  # the module whose import registers the experiments that come with the package


class Experiment(ABC):
    """One kind of training: its settings, how it is built, and what its records mean.

    A subclass imports torch and matplotlib only inside the methods that need them, so that listing runs stays fast.
    """

    name: str
    """As the command line, run.json and the folder in the store have it."""
    description: str
    """What it trains and measures, in one line."""
    config_type: type[Any]
    """A frozen dataclass of its settings, each with a default; its `label` names runs for people."""
    presets: Mapping[str, Callable[[], Any]]
    """Functions that return a whole config, by the names that `--preset` takes."""
    default_preset: str
    """The preset that is used if none is named."""
    phase_columns: Sequence[str] = ()
    """Columns of the record that tell which network of a training a row measures, constant within a phase."""
    groks: bool = False
    """Whether its networks may grok, so that lists of runs show the step at which each did."""
    together: int = 1
    """Runs that train as one stack on a GPU, if the user does not say how many."""

    @abstractmethod
    def build(self, config: Any, seed: int, device: torch.device, data: DataFolder | None = None) -> Member:
        """The network at step 0, with everything that trains and measures it.

        `data` is the folder of data sets that are read from files; None stands for `data/`.
        """

    def check(self, config: Any, seed: int, data: DataFolder | None = None) -> None:  # noqa: B027  by default all pass
        """Reject a config that the data of this seed make impossible, although it is valid by itself.

        It is cheap beside `build`. Data sets are not looked for if `data` is None.

        Raises:
            ConfigError: the data make the config impossible. DataError, which is one: the data cannot be had.
        """

    def alike(self, config: Any) -> Any:
        """What configs must have in common to train in one stack: those for which this is equal can."""
        return config

    def summarise(self, run: Run) -> dict[str, Any]:
        """What a finished run came to, as run.json keeps it: by default its `events` and its `last` row."""
        return summary_of(run)

    def outcome(self, run: Run) -> list[str]:
        """What a finished run came to, in lines for a terminal: by default its events."""
        return events_in_words(run.manifest()["summary"], groks=self.groks)

    def figures(self) -> Sequence[FigureKind[Any]]:
        """The kinds of figures that its runs are drawn in; several experiments may share one."""
        return ()


class UnknownExperimentError(ConfigError):
    """There is no experiment of this name."""


_registered: dict[str, Experiment] = {}


def register(experiment: Experiment) -> None:
    """Make an experiment known by its name, to this process alone.

    Raises:
        ValueError: another experiment has this name.
    """
    if experiment.name in _registered:
        raise ValueError(f"experiment: expected a name that no other experiment has, got {experiment.name!r}")
    _registered[experiment.name] = experiment


def experiments() -> dict[str, Experiment]:
    """Every experiment by its name: first those that come with the package, then those that were registered later."""
    importlib.import_module(SHIPPED)  # by name, since the experiments themselves import this module
    return dict(_registered)


def experiment(name: str) -> Experiment:
    """The experiment of this name.

    Raises:
        UnknownExperimentError: there is none; the message names those that there are.
    """
    known = experiments()
    if name not in known:
        raise UnknownExperimentError(
            f"experiment: expected one of {', '.join(known)}, got {name!r}{did_you_mean(name, known)}"
        )
    return known[name]
