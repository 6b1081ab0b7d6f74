"""The records that a figure is drawn from: runs grouped by config, and configs grouped into studies."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from operator import attrgetter
from pathlib import Path
from typing import Any

import pandas as pd

from grok.config import GrokkingConfig, config_from_json
from grok.tracking import Run, Store

FEW_IDS = 3  # run ids that fit into a stamp


@dataclass(frozen=True, kw_only=True)
class RunGroup:
    """Finished runs of one experiment and config that differ in their seed alone."""

    experiment: str
    name: str
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
    def grokking(self) -> GrokkingConfig:
        """The settings of a grokking run."""
        return config_from_json(GrokkingConfig, self.config)

    def setting(self, name: str) -> Any:
        """A setting of a grokking run by its dotted name, such as `task.modulus`."""
        return attrgetter(name)(self.grokking)


RANDOM, NO_DECAY, LITTLE_DATA = "random labels", "weight decay 0", "too little data"


@dataclass(frozen=True, kw_only=True)
class Study:
    """Groups that belong together: those of one sweep, or one group that no sweep asked for."""

    name: str
    groups: list[RunGroup]

    def varies(self, setting: str) -> list[Any]:
        """The values that a setting takes, in their order; of names the order in which they were trained."""
        values = list(dict.fromkeys(group.setting(setting) for group in self.groups))
        numbers = all(isinstance(value, (int, float)) for value in values)
        return sorted(values) if numbers else values

    def where(self, **settings: Any) -> "Study":
        """The part of it with these settings, whose dots are written as `__`."""
        kept = [
            group
            for group in self.groups
            if all(group.setting(name.replace("__", ".")) == value for name, value in settings.items())
        ]
        return replace(self, groups=kept)

    def controls(self) -> dict[str, str | None]:
        """By group, what makes it a control of the one that is none, whose kind is None; empty if that is not one.

        Random labels, weight decay 0, or a smaller train fraction than the largest.
        """
        fractions = self.varies("task.train_fraction")
        kinds: dict[str, str | None] = {}
        for group in self.groups:
            if group.setting("task.operation") == "random":
                kinds[group.name] = RANDOM
            elif group.setting("optimiser.weight_decay") == 0:
                kinds[group.name] = NO_DECAY
            else:
                little = group.setting("task.train_fraction") < max(fractions)
                kinds[group.name] = LITTLE_DATA if little else None
        return kinds if len(kinds) > 1 and list(kinds.values()).count(None) == 1 else {}

    def main(self) -> RunGroup | None:
        """The group that the study is about: its only one, or the one that all others are controls of."""
        kinds = self.controls()
        about = self.groups if len(self.groups) == 1 else [g for g in self.groups if kinds.get(g.name, "") is None]
        return about[0] if about else None

    @property
    def stamp(self) -> str:
        """What it is drawn from, in a line: its sweep, the number of runs, their configs and seeds."""
        seeds = sorted({seed for group in self.groups for seed in group.runs})
        runs = sum(len(group.runs) for group in self.groups)
        hashes = ", ".join(group.name.rpartition("-")[2] for group in self.groups)
        return f"{self.name}: {runs} runs, seeds {_ranges(seeds)}, configs {hashes}"


def finished_groups(root: Path) -> list[RunGroup]:
    """The finished runs in a store, by experiment and config, in the order of each group's first run."""
    return [group for study in studies(root, experiment=None) for group in study.groups]


def studies(root: Path, *, experiment: str | None = "grokking") -> list[Study]:
    """The studies in a store: a sweep's finished runs, or a config's where no sweep asked for them, oldest first.

    A run that several sweeps asked for is in the study of each.
    """
    groups: dict[tuple[str, ...], RunGroup] = {}
    for run in Store(root).runs():
        manifest = run.manifest()
        if manifest["status"] != "finished" or experiment not in (None, manifest["experiment"]):
            continue
        name = run.id.partition("-seed")[0]
        for study in manifest.get("sweeps") or [name]:
            key = (study, manifest["experiment"], manifest["config_hash"])
            if key not in groups:
                groups[key] = RunGroup(experiment=manifest["experiment"], name=name, config=manifest["config"], runs={})
            groups[key].runs[manifest["seed"]] = run
    found: dict[tuple[str, str], Study] = {}
    for (study, of_experiment, _), group in groups.items():
        ordered = replace(group, runs=dict(sorted(group.runs.items())))
        found.setdefault((study, of_experiment), Study(name=study, groups=[])).groups.append(ordered)
    return list(found.values())


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
