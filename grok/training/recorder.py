"""The recorder: fetches what probes measured in blocks, keeps it, and writes it to the run's record."""

from collections.abc import Mapping
from typing import Protocol, runtime_checkable

import pyarrow as pa
import pyarrow.compute as pc
import torch
from jaxtyping import Float
from torch import Tensor

from grok.tracking import Run

Row = dict[str, float]


@runtime_checkable
class Mirror(Protocol):
    """A second place that sees each row, such as wandb."""

    def log(self, step: int, metrics: Mapping[str, float]) -> None:
        """Take one row."""


class Recorder:
    """Collects metrics without making the device wait, and appends them to `metrics.parquet` in whole blocks."""

    def __init__(self, run: Run, *, first_step: int = 0, mirror: Mirror | None = None) -> None:
        """Go on with the record of `run` from `first_step`: later rows are dropped, to be measured again."""
        table = run.read_table()
        self._run = run
        self._mirror = mirror
        self._saved = table.filter(pc.less(table["step"], first_step))
        self._unsaved: list[tuple[int, Row]] = []
        self._pending: list[tuple[int, dict[str, Float[Tensor, ""]]]] = []

    def earlier_rows(self) -> list[tuple[int, Row]]:
        """The rows that a resumed run starts with, nulls left out."""
        return [
            (row.pop("step"), {name: value for name, value in row.items() if value is not None})
            for row in self._saved.to_pylist()
        ]

    def record(self, step: int, metrics: dict[str, Float[Tensor, ""]]) -> None:
        """Keep the metrics of a step; they may still be under way on the device."""
        if metrics:
            self._pending.append((step, metrics))

    def fetch(self) -> list[tuple[int, Row]]:
        """Bring over what was recorded since the last fetch, all in one transfer, and return it as rows."""
        if not self._pending:
            return []
        values = iter(torch.stack([value.double() for _, row in self._pending for value in row.values()]).tolist())
        rows = [(step, {name: next(values) for name in row}) for step, row in self._pending]
        self._pending = []
        self._unsaved += rows
        if self._mirror:
            for step, row in rows:
                self._mirror.log(step, row)
        return rows

    def save(self) -> None:
        """Write everything fetched so far to the record."""
        self.fetch()
        if not self._unsaved:
            return
        names = list(dict.fromkeys(name for _, row in self._unsaved for name in row))
        columns = {"step": pa.array([step for step, _ in self._unsaved], pa.int64())}
        columns |= {name: pa.array([row.get(name) for _, row in self._unsaved], pa.float64()) for name in names}
        table = pa.concat_tables([self._saved, pa.table(columns)], promote_options="default")
        self._run.write_table(table)
        self._saved = table.combine_chunks()
        self._unsaved = []
