"""The records that a figure is drawn from: runs grouped by config, and configs grouped into studies."""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

import pandas as pd

from grok.config import (
    ConfigError,
    GrokkingConfig,
    SupervisedConfig,
    TaskConfig,
    TransformerTrainingConfig,
    config_from_json,
)
from grok.experiment import experiment
from grok.tracking import Run, Store
from grok.tracking.notes import note

FEW_IDS = 3  # run ids that fit into a stamp

Settings = TransformerTrainingConfig | SupervisedConfig
SettingsType = TypeVar("SettingsType", bound=Settings)
Manifest = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class RunGroup:
    """Finished runs of one experiment and config that differ in their seed alone."""

    name: str
    """Label and hash of the config; with a number if another config of the source has the same."""
    experiment: str
    config: Settings
    runs: dict[int, Run]
    """Seed to run; the newest one where a seed was trained again."""
    manifests: dict[int, Manifest]
    """Seed to what the run's run.json holds."""

    def metrics(self, columns: Sequence[str] | None = None) -> dict[int, pd.DataFrame]:
        """Seed to record, indexed by step; of the columns named those that it has."""
        wanted = None if columns is None else ["step", *columns]
        return {seed: run.read_table(wanted).to_pandas().set_index("step") for seed, run in self.runs.items()}

    @property
    def summaries(self) -> dict[int, dict[str, Any]]:
        """Seed to the summary of its run, which was found in the whole record."""
        return {seed: manifest["summary"] for seed, manifest in self.manifests.items()}

    @property
    def stamp(self) -> str:
        """The runs behind a figure: their ids, those of many in brackets, as `add-p113-ebb68c02-seed[0-9]`."""
        ids = [run.id for run in self.runs.values()]
        return f"runs: {', '.join(ids) if len(ids) <= FEW_IDS else f'{self.name}-seed[{_ranges(list(self.runs))}]'}"

    @property
    def description(self) -> str:
        """What is learned: the formula of an operation, or the data set and the network."""
        task = self.config.task
        return task.description if isinstance(task, TaskConfig) else self.config.label

    def config_as(self, config_type: type[SettingsType]) -> SettingsType:
        """The settings, of the type that its experiment has, or of one that this extends."""
        assert isinstance(self.config, config_type), f"{self.experiment} has no {config_type.__name__}"
        return self.config

    @property
    def grokking(self) -> GrokkingConfig:
        """The settings of a grokking run."""
        return self.config_as(GrokkingConfig)

    @cached_property
    def settings(self) -> dict[str, Any]:
        """Its settings, in the form that identifies them, by their dotted names, such as `task.modulus`."""
        return _dotted(asdict(self.config.identity()))


RANDOM, NO_DECAY, LITTLE_DATA = "random labels", "weight decay 0", "too little data"


def _kind(group: RunGroup, about: RunGroup) -> str | None:
    """What makes a group a control of another; None if nothing does, or if it differs in something else too.

    Only grokking has controls.
    """
    config, main = group.config, about.config
    if not (isinstance(config, GrokkingConfig) and isinstance(main, GrokkingConfig)):
        return None
    config = replace(config, steps=main.steps, settle=main.settle)
    controls = {NO_DECAY: replace(main, optimiser=replace(main.optimiser, weight_decay=0.0))}
    if main.task.modulus is not None:  # permutations have no random labels beside them
        controls[RANDOM] = replace(main, task=replace(main.task, operation="random"))
    if config.task.train_fraction < main.task.train_fraction:
        split = {name: getattr(config.task, name) for name in ("train_fraction", "rounding")}
        controls[LITTLE_DATA] = replace(main, task=replace(main.task, **split))
    identity = config.identity()
    return next((kind for kind, control in controls.items() if control.identity() == identity), None)


@dataclass(frozen=True, kw_only=True)
class Study:
    """Groups that belong together: those of one sweep, or one group that no sweep asked for."""

    name: str
    groups: list[RunGroup]
    part: Mapping[str, Any] = field(default_factory=dict)
    """What tells it from the other parts of a study: settings by their dotted names; empty if it is whole."""

    def varies(self, setting: str) -> list[Any]:
        """The values that a setting takes, in their order; of names the order in which they were trained."""
        values = list(dict.fromkeys(group.settings[setting] for group in self.groups))
        numbers = all(isinstance(value, (int, float)) for value in values)
        return sorted(values) if numbers else values

    def controls(self) -> dict[str, str | None]:
        """By group, what makes it a control of the one that is none, whose kind is None; empty if that is not so.

        Random labels, weight decay 0, or the smallest train fraction; all else but the steps is as in the one.
        """
        for about in self.groups:
            kinds = {group.name: None if group is about else _kind(group, about) for group in self.groups}
            if len(kinds) > 1 and all(kinds[group.name] for group in self.groups if group is not about):
                return kinds
        return {}

    def main(self) -> RunGroup | None:
        """The group that the study is about: its only one, or the one that all others are controls of."""
        kinds = self.controls()
        about = self.groups if len(self.groups) == 1 else [g for g in self.groups if kinds.get(g.name, "") is None]
        return about[0] if about else None

    def parts(self, settings: Sequence[str], *, strictly: bool = False) -> list["Study"]:
        """Itself, if its configs differ in these settings alone; else its parts that do.

        Unless `strictly`, what differs only where these settings do, such as longer training at a smaller weight decay,
        leaves configs together.
        """
        if strictly:
            others = [name for name in differing(self.groups) if name not in settings]
        else:
            alike: dict[tuple[Any, ...], list[RunGroup]] = {}
            for group in self.groups:
                alike.setdefault(tuple(group.settings[name] for name in settings), []).append(group)
            others = list(dict.fromkeys(name for groups in alike.values() for name in differing(groups)))
        parts: dict[tuple[Any, ...], list[RunGroup]] = {}
        for group in self.groups:
            parts.setdefault(tuple(group.settings.get(name) for name in others), []).append(group)
        return [
            replace(self, groups=groups, part=dict(zip(others, values, strict=True)))
            for values, groups in parts.items()
        ]

    @property
    def seeds(self) -> int:
        """The most seeds that any of its groups has."""
        return max(len(group.runs) for group in self.groups)

    def file_name(self, figure: str) -> str:
        """The name of the files of a figure of it.

        >>> Study(name="mine", groups=[], part={"task.modulus": 59}).file_name("phase")
        'phase-mine-modulus-59'
        """
        parts = [figure, self.name, *(f"{name.rpartition('.')[2]}-{value}" for name, value in self.part.items())]
        return re.sub(r"[^\w.-]+", "_", "-".join(parts))

    @property
    def stamp(self) -> str:
        """What it is drawn from, in a line: its sweep, the number of runs, their configs and seeds."""
        seeds = sorted({seed for group in self.groups for seed in group.runs})
        runs = sum(len(group.runs) for group in self.groups)
        hashes = ", ".join(group.name.rpartition("-")[2] for group in self.groups)
        return f"{self.name}: {runs} runs, seeds {_ranges(seeds)}, configs {hashes}"


def differing(groups: Sequence[RunGroup]) -> list[str]:
    """The dotted names of the settings in which these groups differ."""
    names = dict.fromkeys(name for group in groups for name in group.settings)
    return [name for name in names if any(g.settings.get(name) != groups[0].settings.get(name) for g in groups)]


@dataclass(frozen=True)
class FinishedRun:
    """A finished run, with what its run.json holds and its settings in their type."""

    run: Run
    manifest: Manifest
    config: Settings

    @cached_property
    def key(self) -> tuple[str, Settings]:
        """What it has in common with the runs of other seeds: experiment and identity of the whole config."""
        return self.manifest["experiment"], self.config.identity()


@dataclass(frozen=True)
class Source:
    """What figures are drawn of: the finished runs of a folder, oldest first."""

    folder: Path
    runs: Sequence[FinishedRun]

    def of(self, experiments: Collection[str]) -> "Source":
        """The part of it that is of these experiments."""
        return replace(self, runs=[run for run in self.runs if run.manifest["experiment"] in experiments])

    @cached_property
    def groups(self) -> list[RunGroup]:
        """The runs by experiment and config, whatever sweeps asked for them."""
        groups: dict[tuple[str, Settings], list[FinishedRun]] = {}
        for run in self.runs:
            groups.setdefault(run.key, []).append(run)
        return [_group(runs, self._names[key]) for key, runs in groups.items()]

    @cached_property
    def studies(self) -> list[Study]:
        """The runs of one experiment that a sweep asked for, or of a config that no sweep asked for.

        A run that several sweeps asked for is in the study of each.
        """
        found: dict[tuple[str, str], dict[tuple[str, Settings], list[FinishedRun]]] = {}
        for run in self.runs:
            for name in run.manifest.get("sweeps") or [self._names[run.key]]:
                found.setdefault((run.manifest["experiment"], name), {}).setdefault(run.key, []).append(run)
        return [
            Study(name=name, groups=[_group(runs, self._names[key]) for key, runs in by_config.items()])
            for (_, name), by_config in found.items()
        ]

    @property
    def alone(self) -> list[RunGroup]:
        """The groups that a study is about: its only one, or the one that all others are controls of."""
        wanted = {(main.experiment, main.name) for study in self.studies if (main := study.main())}
        return [group for group in self.groups if (group.experiment, group.name) in wanted]

    @cached_property
    def _names(self) -> dict[tuple[str, Settings], str]:
        """The name of each config: label and hash, and a number where another one of its experiment has the same."""
        names: dict[tuple[str, Settings], str] = {}
        taken: dict[tuple[str, str], int] = {}
        for run in self.runs:
            if run.key not in names:
                name = run.run.id.partition("-seed")[0]
                number = taken[run.key[0], name] = taken.get((run.key[0], name), 0) + 1
                names[run.key] = name if number == 1 else f"{name}_{number}"
        return names


def store_source(root: Path, experiments: Collection[str]) -> Source:
    """What the store in a folder holds of these experiments."""
    return Source(root, list(_finished(Store(root).manifests(), experiments)))


def runs_source(runs: Iterable[Run], experiments: Collection[str]) -> Source:
    """What these runs hold of these experiments; the folder is that of the first run's store."""
    manifests = {run: run.manifest() for run in runs}
    folder = next((run.path.parents[1] for run in manifests), Path())
    oldest_first = dict(sorted(manifests.items(), key=lambda item: (item[1]["created"], item[0].id)))
    return Source(folder, list(_finished(oldest_first, experiments)))


def _finished(manifests: Mapping[Run, Manifest], experiments: Collection[str]) -> Iterator[FinishedRun]:
    """The finished ones; one with settings that this version does not know is named on stderr and left out."""
    for run, manifest in manifests.items():
        if manifest["status"] == "finished" and manifest["experiment"] in experiments:
            try:
                yield FinishedRun(run, manifest, _settings(manifest))
            except ConfigError as error:
                note(f"run {run.name} left out (draw it with the version that trained it): {error}")


def _settings(manifest: Manifest) -> Settings:
    """The settings of a run, of its experiment's type; those that it did not know yet have their defaults."""
    return config_from_json(experiment(manifest["experiment"]).config_type, manifest["config"])


def _group(runs: Sequence[FinishedRun], name: str) -> RunGroup:
    """Runs of one experiment and config, oldest first, as a group."""
    newest = dict(sorted({run.manifest["seed"]: run for run in runs}.items()))
    return RunGroup(
        name=name,
        experiment=runs[0].manifest["experiment"],
        config=runs[0].config,
        runs={seed: run.run for seed, run in newest.items()},
        manifests={seed: run.manifest for seed, run in newest.items()},
    )


def _dotted(settings: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Nested settings by their dotted names.

    >>> _dotted({"task": {"modulus": 113}, "steps": 5})
    {'task.modulus': 113, 'steps': 5}
    """
    flat: dict[str, Any] = {}
    for name, value in settings.items():
        flat |= _dotted(value, f"{prefix}{name}.") if isinstance(value, Mapping) else {f"{prefix}{name}": value}
    return flat


def _ranges(numbers: list[int]) -> str:
    """Numbers as ranges.

    >>> _ranges([0, 1, 2, 5, 7, 8])
    '0-2, 5, 7-8'
    """
    parts: list[list[int]] = []
    for number in numbers:
        if parts and parts[-1][-1] == number - 1:
            parts[-1].append(number)
        else:
            parts.append([number])
    return ", ".join(f"{part[0]}-{part[-1]}" if len(part) > 1 else str(part[0]) for part in parts)
