"""Results of a sweep, as tables for a terminal and as rows for a script."""

import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from grok.columns import SAMPLE_MIR, TEST_ACCURACY
from grok.experiment import Experiment
from grok.sweep.expand import Key, Wanted
from grok.sweep.packs import state
from grok.sweep.settings import as_toml
from grok.tracking import Run

GROKKED = "grokked"
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
    """The state and results of one run."""

    wanted: Wanted
    run: Run | None
    state: str
    manifest: Mapping[str, Any]
    error: str | None
    may_grok: bool
    """Whether the run trains a network that may grok (`Experiment.groks`)."""

    @property
    def grokked(self) -> int | None:
        """Step at which test accuracy reached 99 % and stayed there (see `events`), or None if it never did."""
        return self.manifest.get("summary", {}).get("events", {}).get(GROKKED)

    @property
    def accuracy(self) -> float | None:
        """Final test accuracy, or None if it was not measured at the end."""
        return self._last(TEST_ACCURACY)

    @property
    def mir(self) -> float | None:
        """Final MIR of the test samples, or None if it was not measured at the end."""
        return self._last(SAMPLE_MIR)

    @property
    def name(self) -> str:
        """The run's `experiment/id`, or the expected id of a run that does not exist yet."""
        if self.run:
            return self.run.name
        return f"{self.wanted.config.label}-{self.wanted.config_hash}-seed{self.wanted.seed}"

    def json(self) -> dict[str, Any]:
        """Return the row as plain JSON values.

        It has the step of grokking if the network may grok, and otherwise the final test accuracy. The values of
        norm-matched twins are those of the first.
        """
        return {
            "block": self.wanted.block,
            "axes": self.wanted.axes,
            "seed": self.wanted.seed,
            "config_hash": self.wanted.config_hash,
            "run": str(self.run.path) if self.run else None,
            "status": self.state,
            "step": self.manifest.get("step"),
            "error": self.error,
            **({GROKKED: self.grokked} if self.may_grok else {TEST_ACCURACY: self.accuracy}),
            SAMPLE_MIR: self.mir,
        }

    def _last(self, column: str) -> float | None:
        return self.manifest.get("summary", {}).get("last", {}).get(column)


def rows_of(
    experiment: Experiment, wanted: Sequence[Wanted], runs: Mapping[Key, Run], errors: Mapping[Key, str]
) -> list[Row]:
    """Return a row for each wanted run of an experiment; `errors` holds the errors that no manifest contains."""
    rows = []
    for each in wanted:
        run = runs.get(each.key)
        manifest = run.manifest() if run else {}
        error = None if state(run) == "finished" else manifest.get("error") or errors.get(each.key)
        row = Row(wanted=each, run=run, state=state(run), manifest=manifest, error=error, may_grok=experiment.groks)
        rows.append(row)
    return rows


def results_table(rows: Sequence[Row]) -> str:
    """Return a table with the number of runs, of finished runs and their results by block and combination of axes.

    The results are medians over the seeds of the final MIR and the final test accuracy. For networks that may grok, the
    number of runs that grokked and the median step replace test accuracy. The values of norm-matched twins are those of
    the training with the term.
    """
    names = list(dict.fromkeys(name for row in rows for name in row.wanted.axes))
    groups: dict[tuple[str, ...], list[Row]] = {}
    for row in rows:
        place = (row.wanted.block, *(_cell(row.wanted.axes, name) for name in names))
        groups.setdefault(place, []).append(row)
    grokking = any(row.may_grok for row in rows)
    outcome = ["grokked", "grokked at (median)"] if grokking else ["test accuracy at the end"]
    header = ["block", *names, "runs", "finished", *outcome, "MIR at the end"]
    lines = []
    for place, group in groups.items():
        if grokking:
            steps = [row.grokked for row in group if row.grokked is not None]
            came_to = [str(len(steps)), _median(steps, ",.0f")]
        else:
            came_to = [_median([row.accuracy for row in group], ".1%")]
        finished = sum(row.state == "finished" for row in group)
        lines.append([*place, str(len(group)), str(finished), *came_to, _median([row.mir for row in group], ".3f")])
    return _aligned([header, *lines], left=1 + len(names))


def plan_table(rows: Sequence[Row]) -> str:
    """Return a table with a line for each block, which counts its runs by state."""
    blocks = dict.fromkeys(row.wanted.block for row in rows)
    lines = [["block", "runs", *STATES.values()]]
    for block in blocks:
        states = [row.state for row in rows if row.wanted.block == block]
        lines.append([block, str(len(states)), *(str(states.count(each)) for each in STATES)])
    return _aligned(lines, left=1)


def _median(values: Iterable[int | float | None], form: str) -> str:
    """Format the median of the values that were measured, or a dash if there are none."""
    measured = [value for value in values if value is not None]
    return f"{statistics.median(measured):{form}}" if measured else "-"


def _cell(axes: Mapping[str, Any], name: str) -> str:
    return as_toml(axes[name]).strip('"') if name in axes else "-"


def _aligned(lines: Iterable[Sequence[str]], *, left: int) -> str:
    """Return lines with aligned columns, the first `left` of them to the left and the others to the right."""
    lines = list(lines)
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join(
        "  ".join(
            cell.ljust(width) if place < left else cell.rjust(width)
            for place, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in lines
    )
