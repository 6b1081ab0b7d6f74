"""The run store: `runs/<experiment>/<run-id>/` with run.json, metrics.parquet and checkpoints/."""

import fcntl
import itertools
import json
import os
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from grok.tracking.files import write_atomically

FORMAT = 1
ROW_GROUP_SIZE = 16_384


class StoreError(Exception):
    """The store cannot do what was asked: the message names the file or run and the mend."""


class RunInUseError(StoreError):
    """Another process holds the run: the message says which."""


@dataclass(frozen=True)
class Run:
    """One run's folder."""

    path: Path

    @property
    def id(self) -> str:
        """The folder's name."""
        return self.path.name

    @property
    def metrics_path(self) -> Path:
        """The table of everything measured: one row a measured step."""
        return self.path / "metrics.parquet"

    @property
    def checkpoints_path(self) -> Path:
        """The folder of network and optimiser states to resume from."""
        return self.path / "checkpoints"

    def manifest(self) -> dict[str, Any]:
        """run.json: config, seed, status, command, versions, device, timings, summary.

        A run whose process was killed still says `running`; it is given as `interrupted`, which it is.
        """
        path = self.path / "run.json"
        try:
            manifest = json.loads(path.read_text())
        except (OSError, ValueError) as error:
            raise StoreError(f"{path} cannot be read ({error}): restore it, or move the folder away") from error
        if not isinstance(manifest, dict) or manifest.get("format") != FORMAT:
            raise StoreError(f"{path}: expected a run of format {FORMAT}: another version of grok wrote it")
        if manifest["status"] == "running" and self.lock_holder() is None:
            manifest["status"] = "interrupted"
        return manifest

    def update(self, **fields: Any) -> None:
        """Change fields of run.json; one that is None is removed."""
        unchanged = {name: value for name, value in self.manifest().items() if name not in fields}
        changed = {name: value for name, value in fields.items() if value is not None}
        self._write_manifest(unchanged | changed)

    def metrics(self) -> pd.DataFrame:
        """The record, indexed by nothing: column `step` and one column a metric, null where it was not measured."""
        return self.read_table().to_pandas()

    def read_table(self, columns: Sequence[str] | None = None) -> pa.Table:
        """The record as an Arrow table, or of the columns named those that there are; empty before the first write."""
        if not self.metrics_path.exists():
            return pa.table({"step": pa.array([], pa.int64())})
        with self._reading(), pq.ParquetFile(self.metrics_path) as file:
            return file.read(columns)

    def columns(self) -> list[str]:
        """The columns of the record; none before the first write."""
        return self._schema().names

    def last_row(self) -> dict[str, Any]:
        """What was measured at the last recorded step; empty before the first write."""
        if not self.metrics_path.exists():
            return {}
        with self._reading(), pq.ParquetFile(self.metrics_path) as file:
            group = file.read_row_group(file.num_row_groups - 1)
        (row,) = group.slice(group.num_rows - 1).to_pylist()
        return {name: value for name, value in row.items() if value is not None}

    def append_table(self, table: pa.Table, *, first_step: int) -> None:
        """Replace the record by its rows before `first_step` and `table` after them.

        Row group by row group: however long the record, only one of them is held in memory.
        """

        def write(path: Path) -> None:
            schema = pa.unify_schemas([self._schema(), table.schema])
            # Neighbouring values share their high bytes, so splitting floats into byte streams compresses them.
            floats = [name for name in schema.names if name != "step"]
            with pq.ParquetWriter(
                path, schema, compression="zstd", use_dictionary=False, use_byte_stream_split=floats
            ) as writer:
                rest = schema.empty_table()
                for part in itertools.chain(self._row_groups(before=first_step), [table]):
                    rest = pa.concat_tables([rest, part], promote_options="default")
                    while rest.num_rows >= ROW_GROUP_SIZE:
                        writer.write_table(rest.slice(0, ROW_GROUP_SIZE))
                        rest = rest.slice(ROW_GROUP_SIZE)
                if rest.num_rows:
                    writer.write_table(rest.combine_chunks())

        with self.writing(self.metrics_path):
            write_atomically(self.metrics_path, write)

    def _schema(self) -> pa.Schema:
        if not self.metrics_path.exists():
            return pa.schema([])
        with self._reading():
            return pq.read_schema(self.metrics_path)

    def _row_groups(self, *, before: int) -> Iterator[pa.Table]:
        if not self.metrics_path.exists():
            return
        with self._reading(), pq.ParquetFile(self.metrics_path) as file:
            for index in range(file.num_row_groups):
                group = file.read_row_group(index)
                yield group.filter(pc.less(group["step"], before))

    @contextmanager
    def _reading(self) -> Iterator[None]:
        """Turn a damaged record into an error with the mend."""
        try:
            yield
        except (OSError, pa.ArrowException) as error:
            raise StoreError(
                f"{self.metrics_path} is damaged ({_first_line(error)}): restore it from a copy, "
                "or train anew beside it with --again"
            ) from error

    @contextmanager
    def writing(self, path: Path) -> Iterator[None]:
        """Turn a failed write into an error with the mend."""
        try:
            yield
        except OSError as error:
            raise StoreError(
                f"cannot write {path} ({error.strerror or error}): what was saved before is intact; "
                f"make room or mend the permissions, then `grok resume {self.path}`"
            ) from error

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Hold the run against other processes; the lock goes with the process, however it ends."""
        try:
            descriptor = os.open(self.path / "lock", os.O_RDWR | os.O_CREAT, 0o644)
        except OSError as error:
            raise StoreError(f"cannot write into {self.path} ({error.strerror}): mend its permissions") from error
        try:
            _lock_patiently(descriptor)
            os.ftruncate(descriptor, 0)
            os.write(descriptor, str(os.getpid()).encode())
            yield
        except BlockingIOError as error:
            raise RunInUseError(
                f"run {self.id} is in use by process {self.lock_holder()}: wait for it, stop it, "
                "or train another beside it with --again"
            ) from error
        finally:
            os.close(descriptor)

    def lock_holder(self) -> int | None:
        """Number of the process that is training this run, 0 if it cannot be told; None if there is none."""
        try:
            descriptor = os.open(self.path / "lock", os.O_RDONLY)
        except OSError:
            return None
        try:
            fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
            return None
        except BlockingIOError:
            return int(os.read(descriptor, 32) or 0)
        finally:
            os.close(descriptor)

    def _write_manifest(self, manifest: Mapping[str, Any]) -> None:
        path = self.path / "run.json"
        text = json.dumps(manifest, indent=2) + "\n"
        with self.writing(path):
            write_atomically(path, lambda temporary: temporary.write_text(text))


@dataclass(frozen=True)
class Store:
    """A folder of runs."""

    root: Path

    @contextmanager
    def lock(self, experiment: str) -> Iterator[None]:
        """Hold the experiment's runs against other processes that look for one to train it, or to make it.

        For as long as that takes alone; the run's own lock goes with its training. Whoever holds it is waited for.
        """
        path = self.root / experiment / ".lock"
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
        except OSError as error:
            raise StoreError(
                f"cannot make a run in {path.parent} ({error.strerror}): choose another --runs, or mend its permissions"
            ) from error
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)

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
            run._write_manifest(
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
        created = {}
        for path in self.root.glob("*/*/run.json"):
            try:
                created[Run(path.parent)] = Run(path.parent).manifest()["created"]
            except StoreError as error:
                print(f"grok: left out: {error}", file=sys.stderr)
        return sorted(created, key=lambda run: (created[run], run.id))

    def find(self, *, experiment: str, config_hash: str, seed: int) -> list[Run]:
        """The runs of this config and seed, in the order in which they were made."""
        candidates = [Run(path.parent) for path in self.root.glob(f"{experiment}/*-{config_hash}-seed{seed}*/run.json")]
        wanted = (config_hash, seed)
        matching = [run for run in candidates if (run.manifest()["config_hash"], run.manifest()["seed"]) == wanted]
        return sorted(matching, key=lambda run: (run.manifest()["created"], run.id))

    def open(self, name: str) -> Run:
        """The run of this folder or id; any part of an id will do that only one run has."""
        if (Path(name) / "run.json").exists():
            return Run(Path(name))
        runs = sorted((Run(path.parent) for path in self.root.glob("*/*/run.json")), key=lambda run: run.id)
        exact = [run for run in runs if run.id == name]
        matching = exact or [run for run in runs if name in run.id]
        if len(matching) == 1:
            return matching[0]
        if not matching:
            raise StoreError(f"no run {name!r} in {self.root}: see `grok list`")
        raise StoreError(f"{name!r} could be any of {', '.join(run.id for run in matching)}: name one of them")


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


def _lock_patiently(descriptor: int) -> None:
    """Take the lock; a process that only looks who holds it, as `grok list` does, is over in an instant."""
    for _ in range(10):
        with suppress(BlockingIOError):
            return fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        time.sleep(0.05)
    return fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0].rstrip(".")


def _cause(error: StoreError) -> str:
    cause = error.__cause__
    return (isinstance(cause, OSError) and cause.strerror) or str(error)
