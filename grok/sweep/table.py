"""What a sweep came to, as tables for a terminal and as rows for a script."""

import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from grok.sweep.expand import Wanted
from grok.sweep.packs import Key, state
from grok.sweep.settings import as_toml
from grok.tracking import Run

GROKKED = "grokked"
MIR = "interplay/sample/test/mir"
STATES = {
    "finished": "finished",
    "new": "new",
    "interrupted": "to resume",
    "failed": "to try again",
    "diverged": "diverged",
    "running": "in use",
}


@dataclass(frozen=True, kw_only=True)
class Row:
    """One run, as it stands."""

    wanted: Wanted
    run: Run | None
    state: str
    manifest: Mapping[str, Any]
    error: str | None

    @property
    def grokked(self) -> int | None:
        """The step at which test accuracy reached 99 % and stayed there (`events`); None if it never did."""
        return self.manifest.get("summary", {}).get("events", {}).get(GROKKED)

    @property
    def mir(self) -> float | None:
        """MIR of the test samples at the end; None if it was not measured there."""
        return self.manifest.get("summary", {}).get("last", {}).get(MIR)

    @property
    def name(self) -> str:
        """The run's id, or what will be in it."""
        return (
            self.run.id if self.run else f"{self.wanted.config.label}-{self.wanted.config_hash}-seed{self.wanted.seed}"
        )

    def json(self) -> dict[str, Any]:
        """The row as plain JSON values."""
        return {
            "block": self.wanted.block,
            "axes": self.wanted.axes,
            "seed": self.wanted.seed,
            "config_hash": self.wanted.config_hash,
            "run": str(self.run.path) if self.run else None,
            "status": self.state,
            "step": self.manifest.get("step"),
            "error": self.error,
            GROKKED: self.grokked,
            MIR: self.mir,
        }


def rows_of(wanted: Sequence[Wanted], runs: Mapping[Key, Run], errors: Mapping[Key, str]) -> list[Row]:
    """How the wanted runs stand; `errors` are those that are in no run's manifest."""
    rows = []
    for each in wanted:
        run = runs.get(each.key)
        manifest = run.manifest() if run else {}
        error = None if state(run) == "finished" else manifest.get("error") or errors.get(each.key)
        rows.append(Row(wanted=each, run=run, state=state(run), manifest=manifest, error=error))
    return rows


def results_table(rows: Sequence[Row]) -> str:
    """A line for each block and combination of axes: runs, how many finished and grokked, medians over the seeds."""
    names = list(dict.fromkeys(name for row in rows for name in row.wanted.axes))
    groups: dict[tuple[str, ...], list[Row]] = {}
    for row in rows:
        place = (row.wanted.block, *(_cell(row.wanted.axes, name) for name in names))
        groups.setdefault(place, []).append(row)
    header = ["block", *names, "runs", "finished", "grokked", "grokked at (median)", "MIR at the end"]
    lines = []
    for place, group in groups.items():
        steps = [row.grokked for row in group if row.grokked is not None]
        mirs = [row.mir for row in group if row.mir is not None]
        lines.append(
            [
                *place,
                str(len(group)),
                str(sum(row.state == "finished" for row in group)),
                str(len(steps)),
                f"{statistics.median(steps):,.0f}" if steps else "-",
                f"{statistics.median(mirs):.3f}" if mirs else "-",
            ]
        )
    return _aligned([header, *lines], left=1 + len(names))


def plan_table(rows: Sequence[Row]) -> str:
    """A line for each block: how many of its runs stand how."""
    blocks = dict.fromkeys(row.wanted.block for row in rows)
    lines = [["block", "runs", *STATES.values()]]
    for block in blocks:
        states = [row.state for row in rows if row.wanted.block == block]
        lines.append([block, str(len(states)), *(str(states.count(each)) for each in STATES)])
    return _aligned(lines, left=1)


def _cell(axes: Mapping[str, Any], name: str) -> str:
    return as_toml(axes[name]).strip('"') if name in axes else "-"


def _aligned(lines: Iterable[Sequence[str]], *, left: int) -> str:
    """Columns under one another, so many of them to the left, the others to the right."""
    lines = list(lines)
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join(
        "  ".join(
            cell.ljust(width) if place < left else cell.rjust(width)
            for place, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in lines
    )
