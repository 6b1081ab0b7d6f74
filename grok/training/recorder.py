"""The recorder: keeps what was measured on one network, and writes it to the run's record."""

from collections.abc import Mapping
from typing import Protocol, runtime_checkable

import numpy as np
import pyarrow as pa

from grok.tracking import Run
from grok.training.measurements import Measured, Measurements

LARGEST = 2**14  # rows kept before they are written without being asked


@runtime_checkable
class Mirror(Protocol):
    """A second place that sees each row, such as wandb."""

    def log(self, step: int, metrics: Mapping[str, float]) -> None:
        """Take one row."""


class Recorder:
    """Collects measurements and appends them to `metrics.parquet`. It holds only what has not been written."""

    def __init__(self, run: Run, *, first_step: int = 0, mirror: Mirror | None = None) -> None:
        """Go on with the record of `run` from `first_step`: later rows are dropped, to be measured again."""
        self._run = run
        self._mirror = mirror
        self._first_step = first_step
        self._unsaved: list[Measurements] = []
        self._rows = 0

    def earlier(self, column: str) -> list[tuple[int, float]]:
        """Step and value of a column in the rows that a resumed run starts with."""
        table = self._run.read_table(["step", column])
        if column not in table.column_names:
            return []
        pairs = zip(table["step"].to_pylist(), table[column].to_pylist(), strict=True)
        return [(step, value) for step, value in pairs if step < self._first_step and value is not None]

    def record(self, measurements: Measurements) -> None:
        """Keep what was measured in a block of steps."""
        self._unsaved.append(measurements)
        self._rows += measurements.num_rows
        if self._mirror:
            for step, row in measurements.rows():
                self._mirror.log(step, row)
        if self._rows >= LARGEST:
            self.save()

    def save(self) -> None:
        """Append everything recorded so far to the record."""
        table = _table(self._unsaved)
        if table.num_rows:
            self._run.append_table(table, first_step=self._first_step)
            self._first_step = int(table["step"][-1].as_py()) + 1
        self._unsaved, self._rows = [], 0


def _table(measurements: list[Measurements]) -> pa.Table:
    """One row a step at which anything was measured, null where a column was not."""
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
