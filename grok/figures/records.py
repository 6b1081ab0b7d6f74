"""The records that a figure is drawn from: runs grouped by config, and configs grouped into studies."""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

import pandas as pd

from grok.config import ConfigError, GrokkingConfig, config_from_json, dotted
from grok.config.checks import Settings
from grok.experiment import experiment
from grok.tracking import Run, Store
from grok.tracking.notes import note

FEW_IDS = 3  # largest number of run ids in a stamp

SettingsType = TypeVar("SettingsType", bound=Settings)
Manifest = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class RunGroup:
    """Finished runs of one experiment and config that differ only in their seed."""

    name: str
    """Label and hash of the config, with a number if another config of the source has the same label and hash."""
    experiment: str
    config: Settings
    runs: dict[int, Run]
    """The newest run of each seed."""
    manifests: dict[int, Manifest]
    """The content of run.json by seed."""

    def metrics(self, columns: Sequence[str] | None = None) -> dict[int, pd.DataFrame]:
        """Return the record of each seed, indexed by step; it has those of the named columns that were measured."""
        wanted = None if columns is None else ["step", *columns]
        return {seed: run.read_table(wanted).to_pandas().set_index("step") for seed, run in self.runs.items()}

    @property
    def summaries(self) -> dict[int, dict[str, Any]]:
        """The summary of each seed's run, which describes the whole record."""
        return {seed: manifest["summary"] for seed, manifest in self.manifests.items()}

    @property
    def stamp(self) -> str:
        """The ids of the runs behind a figure; many seeds are in brackets, as in `add-p113-ebb68c02-seed[0-9]`."""
        ids = [run.id for run in self.runs.values()]
        return f"runs: {', '.join(ids) if len(ids) <= FEW_IDS else f'{self.name}-seed[{_ranges(list(self.runs))}]'}"

    @property
    def description(self) -> str:
        """The learned task: the formula of an operation, or the data set and the network."""
        return experiment(self.experiment).learned(self.config)

    @property
    def groks(self) -> bool:
        """Whether its networks may grok, so that they generalise long after they have memorised."""
        return experiment(self.experiment).groks

    def config_as(self, config_type: type[SettingsType]) -> SettingsType:
        """Return the settings, as the type of the experiment's settings or as a base class of it."""
        assert isinstance(self.config, config_type), f"{self.experiment} has no {config_type.__name__}"
        return self.config

    @property
    def grokking(self) -> GrokkingConfig:
        """The settings, if the runs are of grokking."""
        return self.config_as(GrokkingConfig)

    @cached_property
    def settings(self) -> dict[str, Any]:
        """The settings by their dotted names, such as `task.modulus`, in the form that identifies them."""
        return dotted(asdict(self.config.identity()))


@dataclass(frozen=True, kw_only=True)
class Study:
    """Groups that are drawn together: those of one sweep, or one group that no sweep asked for."""

    name: str
    groups: list[RunGroup]
    part: Mapping[str, Any] = field(default_factory=dict)
    """The settings, by dotted name, that distinguish this part of a study from the others; empty for a whole study."""

    def varies(self, setting: str) -> list[Any]:
        """Return the values that a setting takes: numbers in ascending order, others in the order of training."""
        values = list(dict.fromkeys(group.settings[setting] for group in self.groups))
        numbers = all(isinstance(value, (int, float)) for value in values)
        return sorted(values) if numbers else values

    def controls(self) -> dict[str, str | None]:
        """Return the kind of control of each group, or None for the one group that all others are controls of.

        A control has random labels, weight decay 0, or a smaller train fraction. Its other settings are those of the
        one group, except for the number of steps. The result is empty if there is no such group.
        """
        for about in self.groups:
            kinds = {group.name: None if group is about else _control(group, about) for group in self.groups}
            if len(kinds) > 1 and all(kinds[group.name] for group in self.groups if group is not about):
                return kinds
        return {}

    def main(self) -> RunGroup | None:
        """Return the main group of the study: its only one, or the one that all others are controls of."""
        kinds = self.controls()
        about = self.groups if len(self.groups) == 1 else [g for g in self.groups if kinds.get(g.name, "") is None]
        return about[0] if about else None

    def parts(self, settings: Sequence[str], *, strictly: bool = False) -> list["Study"]:
        """Split the study into parts whose configs differ only in these settings.

        Unless `strictly` is set, another setting may vary together with these ones. An example is longer training at a
        smaller weight decay.
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
        """The largest number of seeds of any group."""
        return max(len(group.runs) for group in self.groups)

    def file_name(self, figure: str) -> str:
        """Return the name of the files of a figure of this study.

        >>> Study(name="mine", groups=[], part={"task.modulus": 59}).file_name("phase")
        'phase-mine-modulus-59'
        """
        parts = [figure, self.name, *(f"{name.rpartition('.')[2]}-{value}" for name, value in self.part.items())]
        return re.sub(r"[^\w.-]+", "_", "-".join(parts))

    @property
    def stamp(self) -> str:
        """A line with the sweep, the number of runs, their seeds and their configs."""
        seeds = sorted({seed for group in self.groups for seed in group.runs})
        runs = sum(len(group.runs) for group in self.groups)
        hashes = ", ".join(group.name.rpartition("-")[2] for group in self.groups)
        return f"{self.name}: {runs} runs, seeds {_ranges(seeds)}, configs {hashes}"


def _control(group: RunGroup, about: RunGroup) -> str | None:
    """Return the kind of control that `group` is for `about`, or None if it is none."""
    if group.experiment != about.experiment:
        return None
    return experiment(group.experiment).control(group.config, about.config)


def differing(groups: Sequence[RunGroup]) -> list[str]:
    """Return the dotted names of the settings in which these groups differ."""
    names = dict.fromkeys(name for group in groups for name in group.settings)
    return [name for name in names if any(g.settings.get(name) != groups[0].settings.get(name) for g in groups)]


@dataclass(frozen=True)
class FinishedRun:
    """A finished run, with the content of its run.json and its typed settings."""

    run: Run
    manifest: Manifest
    config: Settings

    @cached_property
    def key(self) -> tuple[str, Settings]:
        """The experiment and the identity of the whole config, which runs of other seeds share."""
        return self.manifest["experiment"], self.config.identity()


@dataclass(frozen=True)
class Source:
    """The finished runs that figures are drawn from, oldest first, and their folder."""

    folder: Path
    runs: Sequence[FinishedRun]

    def of(self, experiments: Collection[str]) -> "Source":
        """Return the source with only the runs of these experiments."""
        return replace(self, runs=[run for run in self.runs if run.manifest["experiment"] in experiments])

    @cached_property
    def groups(self) -> list[RunGroup]:
        """The runs grouped by experiment and config, regardless of their sweeps."""
        groups: dict[tuple[str, Settings], list[FinishedRun]] = {}
        for run in self.runs:
            groups.setdefault(run.key, []).append(run)
        return [_group(runs, self._names[key]) for key, runs in groups.items()]

    @cached_property
    def studies(self) -> list[Study]:
        """The studies: one for each experiment and sweep, and one for each config that no sweep asked for.

        A run that several sweeps asked for belongs to the study of each of them.
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
        """The main group of each study: its only one, or the one that all others are controls of."""
        wanted = {(main.experiment, main.name) for study in self.studies if (main := study.main())}
        return [group for group in self.groups if (group.experiment, group.name) in wanted]

    @cached_property
    def _names(self) -> dict[tuple[str, Settings], str]:
        """The name of each config: its label and hash, with a number if another one of the experiment has the same."""
        names: dict[tuple[str, Settings], str] = {}
        taken: dict[tuple[str, str], int] = {}
        for run in self.runs:
            if run.key not in names:
                name = run.run.id.partition("-seed")[0]
                number = taken[run.key[0], name] = taken.get((run.key[0], name), 0) + 1
                names[run.key] = name if number == 1 else f"{name}_{number}"
        return names


def store_source(root: Path, experiments: Collection[str]) -> Source:
    """Return the finished runs of these experiments in the store of a folder."""
    return Source(root, list(_finished(Store(root).manifests(), experiments)))


def runs_source(runs: Iterable[Run], experiments: Collection[str]) -> Source:
    """Return the finished ones of these runs that belong to the experiments; the folder is the first run's store."""
    manifests = {run: run.manifest() for run in runs}
    folder = next((run.path.parents[1] for run in manifests), Path())
    oldest_first = dict(sorted(manifests.items(), key=lambda item: (item[1]["created"], item[0].id)))
    return Source(folder, list(_finished(oldest_first, experiments)))


def _finished(manifests: Mapping[Run, Manifest], experiments: Collection[str]) -> Iterator[FinishedRun]:
    """Yield the finished runs; a run with settings that this version does not know is left out and named on stderr."""
    for run, manifest in manifests.items():
        if manifest["status"] == "finished" and manifest["experiment"] in experiments:
            try:
                yield FinishedRun(run, manifest, _settings(manifest))
            except ConfigError as error:
                note(f"run {run.name} left out (draw it with the version that trained it): {error}")


def _settings(manifest: Manifest) -> Settings:
    """Return the typed settings of a run; settings that are newer than the run have their defaults."""
    return config_from_json(experiment(manifest["experiment"]).config_type, manifest["config"])


def _group(runs: Sequence[FinishedRun], name: str) -> RunGroup:
    """Return the group of these runs of one experiment and config, which come oldest first."""
    newest = dict(sorted({run.manifest["seed"]: run for run in runs}.items()))
    return RunGroup(
        name=name,
        experiment=runs[0].manifest["experiment"],
        config=runs[0].config,
        runs={seed: run.run for seed, run in newest.items()},
        manifests={seed: run.manifest for seed, run in newest.items()},
    )


def _ranges(numbers: list[int]) -> str:
    """Format ascending numbers as ranges.

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
