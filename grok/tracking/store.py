"""The run store: `runs/<experiment>/<run-id>/`, one folder a run."""

import shlex
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from grok.config import Settings, is_record_of
from grok.tracking.errors import StoreError
from grok.tracking.lock import lock_folder
from grok.tracking.notes import note
from grok.tracking.run import FORMAT, Run

REFERENCE = "reference"
SHOWN = 5  # names of runs that fit into a line
"""The folder, in a store, of the store of records that are kept to compare with."""


@dataclass(frozen=True)
class Store:
    """A folder of runs."""

    root: Path

    def lock(self, experiment: str) -> AbstractContextManager[None]:
        """Hold the experiment's runs against other processes that look for one to train it, or to make it.

        For as long as that takes alone; the run's own lock goes with its training. Whoever holds it is waited for.
        """
        return lock_folder(self.root / experiment)

    def create(
        self,
        *,
        experiment: str,
        label: str,
        config: Mapping[str, Any],
        config_hash: str,
        seed: int,
        command: Sequence[str],
        environment: Mapping[str, Any],
    ) -> Run:
        """Make the folder of a new run, never one that is there already."""
        parent = self.root / experiment
        name = f"{label}-{config_hash}-seed{seed}"
        try:
            parent.mkdir(parents=True, exist_ok=True)
            run = Run(_make_new_folder(parent, name))
        except OSError as error:
            raise StoreError(
                f"cannot make a run in {parent} ({error.strerror}): choose another --runs, or mend its permissions"
            ) from error
        try:
            run.write_manifest(
                {
                    "format": FORMAT,
                    "experiment": experiment,
                    "id": run.id,
                    "config": dict(config),
                    "config_hash": config_hash,
                    "seed": seed,
                    "status": "running",
                    "step": 0,
                    "created": datetime.now(UTC).isoformat(timespec="microseconds"),
                    "command": list(command),
                    **environment,
                    "timings": {"wall_seconds": 0.0},
                    "summary": {},
                }
            )
        except StoreError as error:
            run.path.rmdir()
            raise StoreError(
                f"cannot make a run in {parent} ({_cause(error)}): make room or choose another --runs"
            ) from error
        return run

    def runs(self) -> list[Run]:
        """All runs, in the order in which they were made; one that cannot be read is named on stderr and left out."""
        return list(self.manifests())

    def manifests(self, pattern: str = "*/*") -> dict[Run, dict[str, Any]]:
        """The runs in folders like this with what each one's run.json holds, read once.

        They are in the order and without those that `runs` says.
        """
        found = {}
        for run in self._folders(pattern):
            try:
                found[run] = run.manifest()
            except StoreError as error:
                note(f"left out: {error}")
        return dict(sorted(found.items(), key=lambda item: (item[1]["created"], item[0].id)))

    def find(self, *, experiment: str, config: Settings, seed: int) -> list[Run]:
        """The runs of this config and seed, in the order in which they were made: all settings are compared."""
        return [
            run
            for run, manifest in self.manifests(f"{experiment}/*-seed{seed}*").items()
            if manifest["seed"] == seed and is_record_of(config, manifest["config"])
        ]

    def open(self, name: str) -> Run:
        """The run of this folder, id or `experiment/id`; a part of either name will do that only one run has.

        Ids are unique in an experiment alone: `supervised/seed0` has a part of the id after that of the experiment.

        Raises:
            StoreError: no run has such a name, or several have.
        """
        if (Path(name) / "run.json").exists():
            return Run(Path(name))
        runs = sorted(self._folders(), key=lambda run: run.name)
        experiment, _, part = name.rpartition("/")
        exact = [run for run in runs if name in (run.name, run.id)]
        matching = exact or [
            run for run in runs if name in run.name or (experiment in run.path.parent.name and part in run.id)
        ]
        if len(matching) == 1:
            return matching[0]
        if not matching:
            elsewhere = "" if runs else self.reference()
            raise StoreError(f"no run {name!r} in {self.root}: see `grok list`{elsewhere}")
        shown = ", ".join(run.name for run in matching[:SHOWN])
        more = f" and {len(matching) - SHOWN} more (`grok list`)" if len(matching) > SHOWN else ""
        raise StoreError(f"{name!r} could be any of {shown}{more}: name one of them")

    def reference(self) -> str:
        """The end of a line that says that there are no runs: how many the store below this one has, if it has any."""
        below = Store(self.root / REFERENCE)
        runs = len(below._folders())
        return f"; `--runs {shlex.quote(str(below.root))}` has {runs}" if runs else ""

    def _folders(self, pattern: str = "*/*") -> list[Run]:
        """The runs in folders like this, in any order; a copy that an export has not finished is none."""
        folders = [path.parent for path in self.root.glob(f"{pattern}/run.json")]
        return [Run(folder) for folder in folders if not folder.name.startswith(".")]


def _make_new_folder(parent: Path, name: str) -> Path:
    number = 1
    while True:
        path = parent / (name if number == 1 else f"{name}-{number}")
        try:
            path.mkdir()
        except FileExistsError:
            number += 1
        else:
            return path


def _cause(error: StoreError) -> str:
    cause = error.__cause__
    return (isinstance(cause, OSError) and cause.strerror) or str(error)
