"""The records that a figure is drawn from."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pandas as pd

from grok.tracking import Run, Store


@dataclass(frozen=True, kw_only=True)
class RunGroup:
    """Finished runs of one experiment and config that differ in their seed alone."""

    experiment: str
    name: str
    config: dict[str, Any]
    runs: dict[int, Run]
    """Seed to run; the newest one where a seed was trained again."""

    def metrics(self) -> dict[int, pd.DataFrame]:
        """Seed to record, indexed by step."""
        return {seed: run.metrics().set_index("step") for seed, run in self.runs.items()}

    @property
    def run_ids(self) -> list[str]:
        """The runs behind a figure, to be stamped on it."""
        return [run.id for run in self.runs.values()]


def finished_groups(root: Path) -> list[RunGroup]:
    """The finished runs in a store, by experiment and config, in the order of each group's first run."""
    groups: dict[tuple[str, str], RunGroup] = {}
    for run in Store(root).runs():
        manifest = run.manifest()
        if manifest["status"] != "finished":
            continue
        key = (manifest["experiment"], manifest["config_hash"])
        if key not in groups:
            groups[key] = RunGroup(
                experiment=manifest["experiment"],
                name=run.id.partition("-seed")[0],
                config=manifest["config"],
                runs={},
            )
        groups[key].runs[manifest["seed"]] = run
    return [replace(group, runs=dict(sorted(group.runs.items()))) for group in groups.values()]
