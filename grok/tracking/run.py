"""The folder of one run: run.json, metrics.parquet, checkpoints/ and the lock of the process that trains it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from grok.tracking.errors import StoreError, writing
from grok.tracking.files import write_atomically
from grok.tracking.lock import lock, lock_holder

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

    from grok.tracking.record import Record

FORMAT = 1
FIELDS: dict[str, type] = {
    **dict.fromkeys(("experiment", "id", "config_hash", "status", "created"), str),
    **dict.fromkeys(("config", "summary", "timings"), dict),
    **dict.fromkeys(("seed", "step"), int),
    "command": list,
}
"""The fields that every run.json has, with their types in JSON."""


@dataclass(frozen=True)
class Run:
    """The folder of one run."""

    path: Path

    @property
    def id(self) -> str:
        """Name of the folder, which is unique among the runs of the experiment."""
        return self.path.name

    @property
    def name(self) -> str:
        """Name `experiment/id`, which is unique in the store and opens the run there."""
        return f"{self.path.parent.name}/{self.id}"

    @property
    def metrics_path(self) -> Path:
        """Path of the table of all measurements."""
        return self.path / "metrics.parquet"

    @property
    def checkpoints_path(self) -> Path:
        """Path of the folder of network and optimiser states to resume from."""
        return self.path / "checkpoints"

    def size(self, part: str = ".") -> int:
        """Return the bytes that the files of the run take, or those in one of its folders."""
        return sum(path.stat().st_size for path in (self.path / part).rglob("*") if path.is_file())

    def manifest(self) -> dict[str, Any]:
        """Read run.json: config, seed, status, command, versions, device, timings and summary.

        The run.json of a killed process still has the status `running`. It is returned as `interrupted`.
        """
        path = self.path / "run.json"
        try:
            manifest = json.loads(path.read_text())
        except (OSError, ValueError, RecursionError) as error:
            raise StoreError(f"{path} cannot be read ({error}): restore it, or move the folder away") from error
        if not isinstance(manifest, dict) or manifest.get("format") != FORMAT:
            raise StoreError(f"{path}: expected a run of format {FORMAT}, got one of another version of grok")
        for field, kind in FIELDS.items():
            if not isinstance(manifest.get(field), kind):
                got = repr(manifest.get(field))[:40]
                raise StoreError(
                    f"{path}: expected {field} as {kind.__name__}, got {got}: restore it, or move the folder away"
                )
        if manifest["status"] == "running" and self.lock_holder() is None:
            manifest["status"] = "interrupted"
        return manifest

    def write_manifest(self, manifest: Mapping[str, Any]) -> None:
        """Replace run.json by this manifest."""
        path = self.path / "run.json"
        text = json.dumps(manifest, indent=2) + "\n"
        with self.writing(path):
            write_atomically(path, lambda temporary: temporary.write_text(text))

    def update(self, **fields: Any) -> None:
        """Change fields of run.json, and remove those that are None."""
        unchanged = {name: value for name, value in self.manifest().items() if name not in fields}
        changed = {name: value for name, value in fields.items() if value is not None}
        self.write_manifest(unchanged | changed)

    def metrics(self) -> pd.DataFrame:
        """Return the record with a column `step` and one column per metric; a cell that was not measured is NaN."""
        return self.read_table().to_pandas()

    def read_table(self, columns: Sequence[str] | None = None) -> pa.Table:
        """Return the record as an Arrow table of all columns, or of those of the named columns that exist."""
        return self._record.read(columns)

    def columns(self) -> list[str]:
        """Return the names of the record's columns; there are none before the first write."""
        return self._record.schema().names

    def last_row(self) -> dict[str, Any]:
        """Return the measurements of the last recorded step; they are empty before the first write."""
        return self._record.last_row()

    def append_table(self, table: pa.Table, *, first_step: int) -> None:
        """Replace the rows of the record from `first_step` on by `table`."""
        with self.writing(self.metrics_path):
            self._record.append(table, first_step=first_step)

    def writing(self, path: Path) -> AbstractContextManager[None]:
        """Turn a failed write into an error with the mend."""
        return writing(path, run=self.path)

    def lock(self) -> AbstractContextManager[None]:
        """Lock the run against other processes; the lock ends with this process, however it ends."""
        return lock(self.path)

    def lock_holder(self) -> int | None:
        """Return the id of the process that trains this run, 0 if the id is unknown, or None without one."""
        return lock_holder(self.path)

    @property
    def _record(self) -> Record:
        from grok.tracking.record import Record  # pyarrow and pandas take longer to import than a list of runs

        return Record(self.metrics_path)
