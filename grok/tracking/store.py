"""The run store `runs/<experiment>/<run-id>/`, with one folder per run."""

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
"""Name of the folder in a store that holds the store of reference records, which are kept for comparison."""

SHOWN = 5  # names of runs that fit into a line


@dataclass(frozen=True)
class Store:
    """A folder that holds the runs of all experiments."""

    root: Path

    def lock(self, experiment: str) -> AbstractContextManager[None]:
        """Lock the experiment's runs against other processes that look for a run to train, or make one.

        The lock is held only while a run is found or made, and other processes wait for it. The training itself is
        protected by the lock of the run.
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
        """Make a new run in a new folder, never in an existing one."""
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
        """Return all runs in the order of their creation; a run that cannot be read is noted on stderr and left out."""
        return list(self.manifests())

    def manifests(self, pattern: str = "*/*") -> dict[Run, dict[str, Any]]:
        """Return the runs whose folders match the pattern, each with its manifest, which is read once.

        The runs are in the order of their creation. A run that cannot be read is noted on stderr and left out.
        """
        found = {}
        for run in self._folders(pattern):
            try:
                found[run] = run.manifest()
            except StoreError as error:
                note(f"left out: {error}")
        return dict(sorted(found.items(), key=lambda item: (item[1]["created"], item[0].id)))

    def find(self, *, experiment: str, config: Settings, seed: int) -> list[Run]:
        """Return the runs of this config and seed in the order of their creation; all settings are compared."""
        return [
            run
            for run, manifest in self.manifests(f"{experiment}/*-seed{seed}*").items()
            if manifest["seed"] == seed and is_record_of(config, manifest["config"])
        ]

    def open(self, name: str) -> Run:
        """Return the run with this folder, id or `experiment/id`, or the only run whose name contains this part.

        Ids are unique only within an experiment. A name such as `supervised/seed0` consists of a part of the experiment
        and a part of the id.

        Raises:
            StoreError: if no run matches the name, or if several do.
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
        """Return the end of a message about missing runs: the number of runs in the reference store, if there are any.

        It is empty if there are none.
        """
        below = Store(self.root / REFERENCE)
        runs = len(below._folders())
        return f"; `--runs {shlex.quote(str(below.root))}` has {runs}" if runs else ""

    def _folders(self, pattern: str = "*/*") -> list[Run]:
        """Return the runs whose folders match the pattern, in any order, without the unfinished copies of an export."""
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
