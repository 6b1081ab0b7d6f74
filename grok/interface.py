"""The Python interface: train, and take finished or interrupted runs in hand.

>>> import grok
>>> run = grok.open_run("add-p113-f4bd2e57-seed0", runs="runs/reference")
>>> run.config.task.modulus, run.events["grokked"]
(113, 7560)
>>> int(run.record["interplay/sample/test/mir"].idxmax())
940
"""

from __future__ import annotations

import contextlib
import dataclasses
import sys
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from grok.config import ConfigError, config_from_json, dotted, with_settings
from grok.experiment import Experiment, experiment
from grok.tracking import Run as RunFolder
from grok.tracking import Store, StoreError

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

    from grok.models import Classifier
    from grok.tasks import Task

WEIGHTS = "log:6"
"""The schedule on which the networks of a run are kept by default: about two dozen."""


@dataclasses.dataclass(frozen=True)
class Run:
    """A run in the store, whatever its state: its settings, its record, its networks and its figures."""

    folder: RunFolder
    """The run as the store knows it, with its files."""

    @property
    def name(self) -> str:
        """The name `experiment/id`, which opens the run."""
        return self.folder.name

    @property
    def path(self) -> Path:
        """The folder of the run."""
        return self.folder.path

    @property
    def manifest(self) -> dict[str, Any]:
        """The content of run.json as it is now."""
        return self.folder.manifest()

    @property
    def status(self) -> str:
        """`running`, `interrupted`, `failed` or `finished`."""
        return str(self.manifest["status"])

    @property
    def experiment(self) -> Experiment:
        """The experiment to which the run belongs."""
        return experiment(self.manifest["experiment"])

    @property
    def seed(self) -> int:
        """The seed of the run."""
        return int(self.manifest["seed"])

    @cached_property
    def config(self) -> Any:
        """The settings of the run, as the frozen dataclass of its experiment."""
        return config_from_json(self.experiment.config_type, self.manifest["config"])

    @property
    def summary(self) -> dict[str, Any]:
        """The summary of a finished run, such as its `events` and its `last` row; it is empty before."""
        return dict(self.manifest["summary"])

    @property
    def events(self) -> dict[str, Any]:
        """The steps at which things happened, such as `grokked`, with the extremes and turns of the measures."""
        return dict(self.summary.get("events", {}))

    @property
    def record(self) -> pd.DataFrame:
        """The measurements so far: a row for each measured step, a column for each number, NaN where not measured."""
        return self.folder.metrics().set_index("step")

    @cached_property
    def task(self) -> Task:
        """The samples that the run measures, with their split."""
        return self.experiment.task(self.config, self.seed, self._data)

    @property
    def steps(self) -> list[int]:
        """The steps at which the run kept its network, in ascending order."""
        from grok.training.weights import kept_weights

        return list(kept_weights(self.folder))

    def model(self, step: int | None = None) -> Classifier:
        """Return the network after `step` updates, on the CPU and in evaluation mode; by default the last one kept.

        It is the network that was measured, so its accuracy at this step is that of the record.

        Raises:
            StoreError: if no network was kept at this step; the message names the nearest steps.
        """
        import torch

        from grok.training.weights import load_weights, measured_network

        if step is None:
            if not self.steps:
                raise StoreError(f"run {self.name} kept no networks: train it with weights={WEIGHTS!r}")
            step = self.steps[-1]
        member = self.experiment.build(self.config, self.seed, torch.device("cpu"), self._data)
        load_weights(self.folder, step, member)
        network = measured_network(member)
        return network.eval().requires_grad_(False)

    def figures(self) -> dict[str, Figure]:
        """Return the figures that this run alone allows, by their names."""
        from grok.figures import draw

        kinds = [kind.name for kind in self.experiment.figures()]
        return {drawing.name: drawing.figure for kind in kinds for drawing in draw(kind, [self.folder])}

    def resume(self, *, threads: int | Literal["auto"] | None = None) -> Run:
        """Train an unfinished run to its end; an interrupt saves it."""
        from grok.experiments.runner import resume

        with _state_kept():
            _, finished = resume(self.folder, threads=threads)
        return _ended(self, finished)

    def __str__(self) -> str:
        """Describe the run in words, as `grok show` does."""
        from grok.report import describe

        return describe(self.folder)

    @property
    def _data(self) -> Any:
        from grok.tasks.images import DataFolder

        return DataFolder(path=Path(self.manifest.get("data", DataFolder.path)))


@dataclasses.dataclass(frozen=True)
class Sweep:
    """The runs of a sweep in the store."""

    name: str
    runs: Sequence[Run]

    @property
    def table(self) -> pd.DataFrame:
        """A row for each run: the settings that vary, the seed, the steps of events, and the last measurements."""
        import pandas as pd

        rows = [dotted(run.manifest["config"]) for run in self.runs]
        varying = [name for name in dict.fromkeys(key for row in rows for key in row) if _varies(name, rows)]
        return pd.DataFrame(
            [
                {name: row.get(name) for name in varying}
                | {"seed": run.seed, **_steps(run.events), **run.summary.get("last", {})}
                for run, row in zip(self.runs, rows, strict=True)
            ],
            index=pd.Index([run.name for run in self.runs], name="run"),
        )


def train(
    name: str = "grokking",
    *,
    preset: str | None = None,
    config: Any = None,
    settings: Mapping[str, Any] | None = None,
    seed: int = 0,
    runs: str | Path = "runs",
    data: str | Path = "data",
    device: Literal["auto", "cpu", "cuda"] = "auto",
    threads: int | Literal["auto"] = "auto",
    wandb: Literal["offline", "online", "disabled"] = "disabled",
    weights: str = WEIGHTS,
    again: bool = False,
) -> Run:
    """Train an experiment and return its run, with progress on stderr.

    A finished run of the same config and seed is returned as it is, and an unfinished one is resumed; with `again`,
    another one is trained beside it. An interrupt saves the run and returns it, and the same call continues it. The
    number of torch's threads, its precision and the handlers of signals are afterwards what they were before.

    The settings are those of the preset, or `config` as a whole. `settings` replaces some of them by their dotted
    names, as in `{"optimiser.weight_decay": 0.3}`. The folders are that of the store, `runs`, and that of the data
    sets which are read from files, `data`. The device auto is a GPU if there is one, and auto threads are chosen by
    timing steps. `weights` is the schedule of the steps at which the network is kept, such as log:6, every:500 or off.

    Raises:
        ConfigError: if the experiment, the preset or a setting does not exist, or if a value is invalid.
        StoreError: if the run cannot be stored, or if another process trains it.
    """
    from grok.experiments.runner import find_existing, start

    chosen = experiment(name)
    if config is None:
        if preset is not None and preset not in chosen.presets:
            raise ConfigError(f"preset: expected one of {', '.join(chosen.presets)}, got {preset!r}")
        config = chosen.presets[preset or chosen.default_preset]()
    elif preset is not None:
        raise ConfigError("preset: expected either a preset or a config, got both")
    config = with_settings(config, settings or {})
    setup = _setup(config, Path(runs), Path(data), device, threads, wandb, weights)
    existing = None if again else find_existing(setup.store, chosen, config, seed)
    if existing:
        run = Run(existing)
        return run if run.status == "finished" else run.resume(threads=None if threads == "auto" else threads)
    with _state_kept():
        (folder,), finished = start(chosen, [(config, seed)], setup, again=again)
    return _ended(Run(folder), finished)


def open_run(name: str | Path, *, runs: str | Path = "runs") -> Run:
    """Return the run of this folder, id or `experiment/id`, or the only one whose name contains this part.

    Raises:
        StoreError: if no run matches the name, or if several do.
    """
    return Run(Store(Path(runs)).open(str(name)))


def open_runs(runs: str | Path = "runs") -> list[Run]:
    """Return all runs of a store in the order of their creation."""
    return [Run(folder) for folder in Store(Path(runs)).runs()]


def open_sweep(name: str, *, runs: str | Path = "runs") -> Sweep:
    """Return the finished runs of a sweep.

    Raises:
        StoreError: if the store has no finished run of this sweep.
    """
    found = [run for run in open_runs(runs) if name in run.manifest.get("sweeps", [])]
    if not found:
        raise StoreError(f"no finished run of a sweep {name!r} in {runs}: `grok sweep {name}` trains it")
    return Sweep(name, found)


def _setup(config: Any, runs: Path, data: Path, device: str, threads: Any, wandb: Any, weights: str) -> Any:
    import torch

    from grok.config import Schedule, fastest_executor
    from grok.experiments.driving import Setup
    from grok.tasks.images import DataFolder

    Schedule.parse(weights, name="weights")
    if threads != "auto" and not (isinstance(threads, int) and threads > 0):
        raise ConfigError(f"threads: expected auto or a positive integer, got {threads!r}")
    if device not in ("auto", "cpu", "cuda"):
        raise ConfigError(f"device: expected one of auto, cpu, cuda, got {device!r}")
    if device == "cuda" and not torch.cuda.is_available():
        raise ConfigError("device: expected a device that this machine has, got cuda: use device='cpu'")
    where = torch.device("cuda" if device == "cuda" or (device == "auto" and torch.cuda.is_available()) else "cpu")
    return Setup(
        device=where,
        store=Store(runs),
        wandb=wandb,
        command=["grok.train"],
        executor=fastest_executor(where.type, [config]),
        threads=threads,
        weights=weights,
        data=DataFolder(path=data),
    )


def _ended(run: Run, finished: bool) -> Run:
    """Return a run whose training has stopped, and say how to go on if it was interrupted.

    Raises:
        StoreError: if its loss diverged.
    """
    if run.status == "failed":
        raise StoreError(f"run {run.name}: {run.manifest['error']}")
    if not finished:
        step = run.manifest["step"]
        print(f"Interrupted at step {step:,}; everything is saved. The same call continues it.", file=sys.stderr)
    return run


@contextlib.contextmanager
def _state_kept() -> Iterator[None]:
    """Leave torch as it was: its number of threads and the precision of its products."""
    import torch

    threads, precision = torch.get_num_threads(), torch.get_float32_matmul_precision()
    try:
        yield
    finally:
        torch.set_num_threads(threads)
        torch.set_float32_matmul_precision(precision)


def _steps(events: Mapping[str, Any]) -> dict[str, Any]:
    """Return the events that are a step, or None."""
    return {name: step for name, step in events.items() if not isinstance(step, Mapping)}


def _varies(name: str, rows: Sequence[Mapping[str, Any]]) -> bool:
    return any(row.get(name) != rows[0].get(name) for row in rows)
