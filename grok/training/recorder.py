"""The recorder, which collects the measurements of one network and writes them to the record of its run."""

from collections.abc import Mapping
from typing import Protocol, runtime_checkable

import numpy as np
import pyarrow as pa

from grok.tracking import Run
from grok.training.measurements import Measured, Measurements

LARGEST = 2**14  # number of rows after which they are written without a request


@runtime_checkable
class Mirror(Protocol):
    """A second destination of each row, such as wandb."""

    def log(self, step: int, metrics: Mapping[str, float]) -> None:
        """Log one row."""


class Recorder:
    """Collects measurements and appends them to `metrics.parquet`. It holds only rows that are not yet written."""

    def __init__(self, run: Run, *, first_step: int = 0, mirror: Mirror | None = None) -> None:
        """Continue the record of `run` from `first_step`; later rows are dropped, since they are measured again."""
        self._run = run
        self._mirror = mirror
        self._first_step = first_step
        self._unsaved: list[Measurements] = []
        self._rows = 0

    def earlier(self, column: str) -> list[tuple[int, float]]:
        """Return steps and values of a column in the rows with which a resumed run starts."""
        table = self._run.read_table(["step", column])
        if column not in table.column_names:
            return []
        pairs = zip(table["step"].to_pylist(), table[column].to_pylist(), strict=True)
        return [(step, value) for step, value in pairs if step < self._first_step and value is not None]

    def record(self, measurements: Measurements) -> None:
        """Store the measurements of a block of steps."""
        self._unsaved.append(measurements)
        self._rows += measurements.num_rows
        if self._mirror:
            for step, row in measurements.rows():
                self._mirror.log(step, row)
        if self._rows >= LARGEST:
            self.save()

    def save(self) -> None:
        """Append all stored measurements to the record."""
        table = _table(self._unsaved)
        if table.num_rows:
            self._run.append_table(table, first_step=self._first_step)
            self._first_step = int(table["step"][-1].as_py()) + 1
        self._unsaved, self._rows = [], 0


def _table(measurements: list[Measurements]) -> pa.Table:
    """Return one row per measured step; a column that was not measured there is null."""
    parts: dict[str, list[Measured]] = {}
    for block in measurements:
        for probe, measured in block.by_probe.items():
            parts.setdefault(probe, []).append(measured)
    measured_at = {probe: np.concatenate([part.steps for part in those]) for probe, those in parts.items()}
    steps = np.unique(np.concatenate([np.empty(0, np.int64), *measured_at.values()]))
    columns = {"step": pa.array(steps)}
    for probe, those in parts.items():
        rows = np.searchsorted(steps, measured_at[probe])
        missing = np.ones(len(steps), dtype=bool)
        missing[rows] = False
        for name in those[0].columns:
            values = np.zeros(len(steps))
            values[rows] = np.concatenate([part.columns[name] for part in those])
            columns[name] = pa.array(values, mask=missing)
    return pa.table(columns)
