"""The records that a figure is drawn from: runs grouped by config, and configs grouped into studies."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

import pandas as pd

from grok.config import (
    ConfigError,
    GrokkingConfig,
    SupervisedConfig,
    TransformerTrainingConfig,
    config_from_json,
)
from grok.experiment import experiment
from grok.tracking import Run, Store
from grok.tracking.notes import note

FEW_IDS = 3  # run ids that fit into a stamp

ConfigType = TypeVar("ConfigType", bound=TransformerTrainingConfig | SupervisedConfig)


@dataclass(frozen=True, kw_only=True)
class RunGroup:
    """Finished runs of one experiment and config that differ in their seed alone."""

    name: str
    experiment: str
    config: dict[str, Any]
    runs: dict[int, Run]
    """Seed to run; the newest one where a seed was trained again."""

    def metrics(self, columns: Sequence[str] | None = None) -> dict[int, pd.DataFrame]:
        """Seed to record, indexed by step; of the columns named those that it has."""
        wanted = None if columns is None else ["step", *columns]
        return {seed: run.read_table(wanted).to_pandas().set_index("step") for seed, run in self.runs.items()}

    @property
    def stamp(self) -> str:
        """The runs behind a figure: their ids, those of many in brackets, as `add-p113-ebb68c02-seed[0-9]`."""
        ids = [run.id for run in self.runs.values()]
        return f"runs: {', '.join(ids) if len(ids) <= FEW_IDS else f'{self.name}-seed[{_ranges(list(self.runs))}]'}"

    @cached_property
    def _typed(self) -> TransformerTrainingConfig | SupervisedConfig:
        return config_from_json(experiment(self.experiment).config_type, self.config)

    def config_as(self, config_type: type[ConfigType]) -> ConfigType:
        """The settings, of the type that its experiment has, or of one that this extends."""
        assert isinstance(self._typed, config_type), f"{self.experiment} has no {config_type.__name__}"
        return self._typed

    @property
    def grokking(self) -> GrokkingConfig:
        """The settings of a grokking run."""
        return self.config_as(GrokkingConfig)

    @cached_property
    def settings(self) -> dict[str, Any]:
        """Its settings by their dotted names, such as `task.modulus`."""
        return _dotted(asdict(self._typed))


RANDOM, NO_DECAY, LITTLE_DATA = "random labels", "weight decay 0", "too little data"


def _kind(group: RunGroup, about: RunGroup) -> str | None:
    """What makes a group a control of another; None if nothing does, or if it differs in something else too.

    Grokking alone has controls.
    """
    if group.experiment != "grokking":
        return None
    config = replace(group.grokking, steps=about.grokking.steps, settle=about.grokking.settle)
    task, optimiser = about.grokking.task, about.grokking.optimiser
    controls = {NO_DECAY: replace(about.grokking, optimiser=replace(optimiser, weight_decay=0.0))}
    if task.modulus is not None:  # permutations have no random labels beside them
        controls[RANDOM] = replace(about.grokking, task=replace(task, operation="random"))
    if config.task.train_fraction < task.train_fraction:
        less = replace(task, train_fraction=config.task.train_fraction)
        controls[LITTLE_DATA] = replace(about.grokking, task=less)
    return next((kind for kind, control in controls.items() if config == control), None)


@dataclass(frozen=True, kw_only=True)
class Study:
    """Groups that belong together: those of one sweep, or one group that no sweep asked for."""

    name: str
    groups: list[RunGroup]

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
            kinds = {group.name: None if group == about else _kind(group, about) for group in self.groups}
            if len(kinds) > 1 and all(kinds[group.name] for group in self.groups if group != about):
                return kinds
        return {}

    def main(self) -> RunGroup | None:
        """The group that the study is about: its only one, or the one that all others are controls of."""
        kinds = self.controls()
        about = self.groups if len(self.groups) == 1 else [g for g in self.groups if kinds.get(g.name, "") is None]
        return about[0] if about else None

    def parts(self, settings: Sequence[str], *, strictly: bool = False) -> list[tuple[dict[str, Any], "Study"]]:
        """Itself, if its configs differ in these settings alone; else its parts that do.

        Unless `strictly`, what differs only where these settings do, such as longer training at a smaller weight decay,
        leaves configs together.

        Returns: each part, with those of its settings that tell it from the others by their dotted names.
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
        return [(dict(zip(others, values, strict=True)), replace(self, groups=part)) for values, part in parts.items()]

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


def part_name(figure: str, study: Study, settings: Mapping[str, Any]) -> str:
    """The name of the files of a study's part, as `Study.parts` gives it.

    >>> part_name("phase", Study(name="mine", groups=[]), {"task.modulus": 59})
    'phase-mine-modulus-59'
    """
    parts = [f"{figure}-{study.name}", *(f"{name.rpartition('.')[2]}-{value}" for name, value in settings.items())]
    return re.sub(r"[^\w.-]+", "_", "-".join(parts))


def finished_groups(root: Path, experiment: str = "grokking") -> list[RunGroup]:
    """The finished runs of an experiment in a store, by config, whatever sweeps asked for them, oldest first."""
    groups: dict[str, list[Run]] = {}
    for run, manifest in _finished(root, experiment):
        groups.setdefault(manifest["config_hash"], []).append(run)
    return [_group(runs) for runs in groups.values()]


def studies(root: Path, experiment: str = "grokking") -> list[Study]:
    """The studies in a store: an experiment's finished runs of a sweep, or of a config that no sweep asked for.

    Oldest first. A run that several sweeps asked for is in the study of each.
    """
    found: dict[str, dict[str, list[Run]]] = {}
    for run, manifest in _finished(root, experiment):
        for name in manifest.get("sweeps") or [_name(run)]:
            found.setdefault(name, {}).setdefault(manifest["config_hash"], []).append(run)
    return [Study(name=name, groups=[_group(runs) for runs in by_config.values()]) for name, by_config in found.items()]


def _finished(root: Path, experiment: str) -> Iterator[tuple[Run, dict[str, Any]]]:
    for run, manifest in Store(root).manifests().items():
        if manifest["status"] == "finished" and manifest["experiment"] == experiment and _is_known(run, manifest):
            yield run, manifest


def _is_known(run: Run, manifest: Mapping[str, Any]) -> bool:
    """Whether this version knows the run's settings; one that it does not know is named on stderr and left out."""
    try:
        config_from_json(experiment(manifest["experiment"]).config_type, manifest["config"])
    except ConfigError as error:
        note(f"run {run.name} left out (draw it with the version that trained it): {error}")
        return False
    return True


def _group(runs: Sequence[Run]) -> RunGroup:
    """Runs of one config, oldest first, as a group."""
    manifests = [run.manifest() for run in runs]
    newest = {manifest["seed"]: run for run, manifest in zip(runs, manifests, strict=True)}
    return RunGroup(
        name=_name(runs[0]),
        experiment=manifests[0]["experiment"],
        config=manifests[0]["config"],
        runs=dict(sorted(newest.items())),
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


def _name(run: Run) -> str:
    """Label and config hash."""
    return run.id.partition("-seed")[0]


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
