"""Performance targets, and the measurements that they are compared with."""

import dataclasses
from collections.abc import Callable, Mapping

import torch

from grok.bench.information import ERROR_OF_HDR, ERROR_OF_MIR
from grok.bench.measure import Figure, Row, Table, Timing
from grok.bench.sweeps import RATE, WORKERS
from grok.bench.threads import BEST_TO_NOW, BUSY
from grok.bench.training import ALL_ALWAYS, ALL_BY_DEFAULT, NOTEBOOK_TO_STEP, STEP_TO_FLOOR, TOGETHER

NOT_MEASURED = "not measured"


@dataclasses.dataclass(frozen=True)
class Target:
    """A figure with its target, and the place of its measurement."""

    figure: str
    target: str
    section: str
    find: Callable[[Table], str]
    device: str | None = None
    """Kind of device to which the target applies; None means any."""


def _cell(column: str, **where: object) -> Callable[[Table], str]:
    """Return a function that finds the cell of `column` in the row whose other cells are given."""

    def find(table: Table) -> str:
        return next(str(row[column]) for row in table.rows if all(row[name] == value for name, value in where.items()))

    return find


def _estimator(table: Table) -> str:
    """Return the largest error and the smallest gain over the geometries at n = 4,096."""
    rows = [row for row in table.rows if row["n"] == 4096]
    errors = [_value(row[error]) for row in rows for error in (ERROR_OF_MIR, ERROR_OF_HDR)]
    shares = [_seconds(row["estimate"]) / _seconds(row["exact"]) for row in rows]
    return f"{max(errors):.2%}, 1/{1 / max(shares):.1f}"


def _threads(table: Table) -> str:
    """Return the largest ratio of the fastest number of threads to the chosen one, with at most one busy core."""
    return f"{max(_value(row[BEST_TO_NOW]) for row in table.rows if row[BUSY] in (0, 1)):.2f}"


def _value(cell: object) -> float:
    assert isinstance(cell, Figure)
    return cell.value


def _seconds(cell: object) -> float:
    assert isinstance(cell, Timing)
    return cell.median


TARGETS = (
    Target("CPU: training step / floor", "≤ 1.5", "step", _cell("measured", figure=STEP_TO_FLOOR), "cpu"),
    Target("CPU: notebook step / ours", "≥ 15", "step", _cell("measured", figure=NOTEBOOK_TO_STEP), "cpu"),
    Target(
        "CPU: all that is measured by default, added time",
        "≤ 12 %",
        "probes",
        _cell("added time", measured=ALL_BY_DEFAULT),
        "cpu",
    ),
    Target("CPU: time with the chosen threads / with the best, idle or one core busy", "≤ 1.3", "threads", _threads),
    Target(
        "CPU: rate of a sweep of 40 runs / of one run after another",
        "≥ 1.5",
        "sweep",
        _cell(RATE, **{"trained by": WORKERS}),
        "cpu",
    ),
    Target("store, recorder, mirror: added time", "≤ 3 %", "recording", _cell("added time", what=TOGETHER)),
    Target("GPU: steps a second, one run", "≥ 5,000", "step", _cell("measured", figure="steps a second"), "cuda"),
    Target(
        "GPU: all pairings at every step, added time",
        "≤ 25 %",
        "probes",
        _cell("added time", measured=ALL_ALWAYS),
        "cuda",
    ),
    Target(
        "GPU: member-steps a second, stack of 64, float32",
        "≥ 10,000",
        "stack",
        _cell("member-steps a second", p=113, members=64),
        "cuda",
    ),
    Target(
        "estimator at n = 4,096, 95 % of seeds: error of MIR and HDR, share of the time",
        "≤ 1 %, ≤ 1/10",
        "estimator",
        _estimator,
    ),
)


def targets(tables: Mapping[str, Table], device: torch.device) -> Table | None:
    """Return a table of the targets of these sections with their measurements, or None if there are no targets."""
    rows: list[Row] = [
        {
            "figure": target.figure,
            "target": target.target,
            "measured": target.find(tables[target.section]) if target.device in (None, device.type) else NOT_MEASURED,
            "by": f"grok bench {target.section}",
        }
        for target in TARGETS
        if target.section in tables
    ]
    return Table("performance targets", rows) if rows else None
