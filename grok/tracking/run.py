"""One run's folder: run.json, metrics.parquet, checkpoints/ and the lock of the process that trains it."""

import json
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa

from grok.tracking.errors import StoreError, writing
from grok.tracking.files import write_atomically
from grok.tracking.lock import lock, lock_holder
from grok.tracking.record import Record

FORMAT = 1


@dataclass(frozen=True)
class Run:
    """One run's folder."""

    path: Path

    @property
    def id(self) -> str:
        """The folder's name, which only one run of its experiment has."""
        return self.path.name

    @property
    def name(self) -> str:
        """`experiment/id`: what tells it from all other runs of its store, and opens it there."""
        return f"{self.path.parent.name}/{self.id}"

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

    def write_manifest(self, manifest: Mapping[str, Any]) -> None:
        """Replace run.json."""
        path = self.path / "run.json"
        text = json.dumps(manifest, indent=2) + "\n"
        with self.writing(path):
            write_atomically(path, lambda temporary: temporary.write_text(text))

    def update(self, **fields: Any) -> None:
        """Change fields of run.json; one that is None is removed."""
        unchanged = {name: value for name, value in self.manifest().items() if name not in fields}
        changed = {name: value for name, value in fields.items() if value is not None}
        self.write_manifest(unchanged | changed)

    def metrics(self) -> pd.DataFrame:
        """The record, indexed by nothing: column `step` and one column a metric, null where it was not measured."""
        return self.read_table().to_pandas()

    def read_table(self, columns: Sequence[str] | None = None) -> pa.Table:
        """The record as an Arrow table, or of the columns named those that there are; empty before the first write."""
        return self._record.read(columns)

    def columns(self) -> list[str]:
        """The columns of the record; none before the first write."""
        return self._record.schema().names

    def last_row(self) -> dict[str, Any]:
        """What was measured at the last recorded step; empty before the first write."""
        return self._record.last_row()

    def append_table(self, table: pa.Table, *, first_step: int) -> None:
        """Replace the record by its rows before `first_step` and `table` after them."""
        with self.writing(self.metrics_path):
            self._record.append(table, first_step=first_step)

    def writing(self, path: Path) -> AbstractContextManager[None]:
        """Turn a failed write into an error with the mend."""
        return writing(path, run=self.path)

    def lock(self) -> AbstractContextManager[None]:
        """Hold the run against other processes; the lock goes with the process, however it ends."""
        return lock(self.path)

    def lock_holder(self) -> int | None:
        """Number of the process that is training this run, 0 if it cannot be told; None if there is none."""
        return lock_holder(self.path)

    @property
    def _record(self) -> Record:
        return Record(self.metrics_path)
