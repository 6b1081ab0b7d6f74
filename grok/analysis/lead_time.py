"""How long before the rise of test accuracy each measure turns, and how often it turns in runs that never grok."""

import math
from collections.abc import Hashable, Iterable, Mapping
from typing import Any

import numpy as np
import pandas as pd

from grok.analysis.events import events
from grok.analysis.statistics import median_interval, proportion_interval, rank_correlation
from grok.analysis.turning import MEASURES
from grok.columns import TEST_ACCURACY

ALL = "all"
"""Name that stands for the controls of all kinds together."""


def run_row(metrics: pd.DataFrame) -> dict[str, float]:
    """Return the events of one run, and the turns of the measures in its record, as a row of numbers.

    These keys are in steps: `memorised` (train accuracy 99 %), `rise` (test accuracy 50 %), `grokked`, `ungrokked` and
    `last_step`, and `detected/COLUMN` and `onset/COLUMN` for each of the `MEASURES`. An event that never happened is
    inf, so that all runs can be compared. `final_test_accuracy` is the last measured fraction. A measure that the
    record lacks has no key, and is nan in a table of many runs.
    """
    last = {}
    if TEST_ACCURACY in metrics:
        last[TEST_ACCURACY] = float(metrics[TEST_ACCURACY].dropna().iloc[-1])
    summary = {"events": events(metrics), "last": last}
    return summary_row(summary, last_step=int(metrics["step"].iloc[-1]))


def summary_row(summary: Mapping[str, Any], *, last_step: int) -> dict[str, float]:
    """Return the `run_row` of a finished run from the summary in its run.json.

    In a thinned run the summary describes the whole record.
    """
    found = summary["events"]
    row = {
        "memorised": _or_never(found["train_accuracy_0.99"]),
        "rise": _or_never(found["test_accuracy_0.50"]),
        "grokked": _or_never(found["grokked"]),
        "ungrokked": _or_never(found["ungrokked"]),
        "last_step": float(last_step),
    }
    if TEST_ACCURACY in summary["last"]:
        row["final_test_accuracy"] = float(summary["last"][TEST_ACCURACY])
    for column, turn in found["turns"].items():
        row |= {f"{key}/{column}": _or_never(step) for key, step in turn.items()}
    return row


def lead_time_table(runs: pd.DataFrame, controls: pd.DataFrame) -> pd.DataFrame:
    """Return a table of lead times over the rise of test accuracy in runs that grok, and of false alarms in controls.

    Each row is a measure, and the index is its column in the records. `runs` and `controls` have one `run_row` per row,
    and their index holds the names of the runs. The column `control` of `controls` names the kind, such as "weight
    decay 0". Intervals (`_low`, `_high`) are 95 % intervals; see `grok.analysis.statistics`.

    - `title` is the name of the measure in words.
    - `runs` is the number of runs that grokked and have the measure. It turned in `turned` of them, and in `before` of
      them it turned before the rise.
    - `lead` is the median of rise − detected in steps, which is negative if the rise came first. `ratio` is the median
      of rise / detected. `rho` is Spearman's correlation of `detected` with `grokked`. All three are over the runs in
      which the measure turned.
    - `alarms/KIND` is the number of control runs in which the measure turned nevertheless, out of `controls/KIND`. Its
      share is `alarm_rate/KIND`. These columns exist for each kind and for `all`. A control counts if it memorised and
      did not grok.
    - Four columns have the same value in every row. `not_grokked` names the runs that did not grok, and
      `controls_left_out` the controls that do not count. `rise` is the median over the runs that grokked.
      `controls_last_step` is the median over the controls that count, since shorter controls have less time to turn.

    A measure is an early warning if `before` is most of `runs` and `alarms/all` is a small part of `controls/all`.

    Raises:
        ValueError: if `controls` has no column `control`, or if a kind is called "all".
    """
    if len(controls) and "control" not in controls:
        raise ValueError('controls: expected a column "control", got none; name the kind of each run in it')
    if len(controls) and (controls["control"] == ALL).any():
        raise ValueError(f'controls: expected kinds other than "{ALL}", got it; it stands for all kinds together')
    has_grokked = _happened(runs, "grokked")
    counts = _happened(controls, "memorised") & ~_happened(controls, "grokked")
    grokked, counted = runs[has_grokked], controls[counts]
    kinds = {kind: counted[counted["control"] == kind] for kind in dict.fromkeys(controls.get("control", ()))}
    of_all = {
        "not_grokked": _names(runs.index[~has_grokked]),
        "controls_left_out": _names(controls.index[~counts]),
        "rise": grokked["rise"].median() if len(grokked) else math.nan,
        "controls_last_step": counted["last_step"].median() if len(counted) else math.nan,
    }
    rows = {
        column: {"title": measure.title}
        | _leads(grokked, f"detected/{column}")
        | _alarms(kinds | {ALL: counted}, f"detected/{column}")
        | of_all
        for column, measure in MEASURES.items()
        if f"detected/{column}" in runs
    }
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("measure")


def markdown(table: pd.DataFrame) -> str:
    """Format the table in Markdown: lead times beside false alarms, each with its n, and notes on runs left out."""
    if table.empty:
        return "No measures were recorded.\n"
    kinds = [name.removeprefix("alarms/") for name in map(str, table.columns) if name.startswith("alarms/")]
    header = ["measure", "turned before the rise", *(f"turned: {kind}" for kind in (*kinds[:-1], "all controls"))]
    header += ["lead in steps", "rise / turn", "ρ with grokking", "n"]
    lines = [_line(header), _line(["---", *["---:"] * (len(header) - 1)])]
    for _, row in table.iterrows():
        lines.append(
            _line(
                [
                    row["title"],
                    f"{row['before']} of {row['runs']}",
                    *(f"{row[f'alarms/{kind}']} of {row[f'controls/{kind}']}" for kind in kinds[:-1]),
                    f"{row['alarms/all']} of {row['controls/all']}"
                    + _interval(row, "alarm_rate/all", "alarm_low/all", "alarm_high/all", ".0%", lead=" = "),
                    _interval(row, "lead", "lead_low", "lead_high", ",.0f") or "–",
                    _interval(row, "ratio", "ratio_low", "ratio_high", ".2f") or "–",
                    _interval(row, "rho", "rho_low", "rho_high", ".2f") or "–",
                    str(row["turned"]),
                ]
            )
        )
    return "\n".join([*lines, "", *_notes(table.iloc[0])]) + "\n"


def _leads(grokked: pd.DataFrame, column: str) -> dict[str, Any]:
    measured = grokked[grokked[column].notna()]
    turned = measured[np.isfinite(measured[column])]
    detected = turned[column]
    lead = median_interval(turned["rise"] - detected)
    ratio = median_interval(turned["rise"] / detected)
    rho = rank_correlation(detected, turned["grokked"])
    return {
        "runs": len(measured),
        "turned": len(turned),
        "before": int((detected < turned["rise"]).sum()),
        "lead": lead.median,
        "lead_low": lead.low,
        "lead_high": lead.high,
        "ratio": ratio.median,
        "ratio_low": ratio.low,
        "ratio_high": ratio.high,
        "rho": rho.rho,
        "rho_low": rho.low,
        "rho_high": rho.high,
    }


def _alarms(kinds: dict[str, pd.DataFrame], column: str) -> dict[str, Any]:
    cells: dict[str, Any] = {}
    for kind, controls in kinds.items():
        detected = controls[column].dropna() if column in controls else pd.Series(dtype=float)
        rate = proportion_interval(int(np.isfinite(detected).sum()), len(detected))
        cells |= {f"alarms/{kind}": rate.successes, f"controls/{kind}": rate.trials}
        cells |= {f"alarm_rate/{kind}": rate.fraction, f"alarm_low/{kind}": rate.low, f"alarm_high/{kind}": rate.high}
    return cells


def _notes(row: pd.Series) -> list[str]:
    notes = [
        "Medians, ρ (Spearman, of the step of the turn with the step of grokking) and their 95 % bootstrap intervals "
        "are over the n runs in which the measure turned; the share of controls has its exact 95 % interval."
    ]
    if not math.isnan(row["rise"]):
        notes.append(f"Test accuracy rose at step {row['rise']:,.0f} (median of the runs that grokked).")
    if not math.isnan(row["controls_last_step"]):
        notes.append(f"Controls trained for {row['controls_last_step']:,.0f} steps (median).")
    if row["not_grokked"]:
        notes.append(f"Not grokked and left out: {row['not_grokked']}.")
    if row["controls_left_out"]:
        notes.append(f"Controls left out, not memorised or grokked after all: {row['controls_left_out']}.")
    return notes


def _interval(row: pd.Series, value: str, low: str, high: str, form: str, *, lead: str = "") -> str:
    """Format a value with its interval, or alone if it has no interval; the text is empty if there is no value."""
    if math.isnan(row[value]):
        return ""
    interval = "" if math.isnan(row[low]) else f" [{row[low]:{form}}, {row[high]:{form}}]"
    return f"{lead}{row[value]:{form}}{interval}"


def _line(cells: Iterable[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def _names(index: Iterable[Hashable]) -> str:
    return ", ".join(str(name) for name in index)


def _happened(runs: pd.DataFrame, event: str) -> pd.Series:
    return np.isfinite(runs[event]) if event in runs else pd.Series(False, index=runs.index)


def _or_never(step: int | None) -> float:
    return math.inf if step is None else float(step)
