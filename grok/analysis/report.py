"""Descriptions of the outcomes of runs for a terminal."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from grok.columns import RATIOS, interplay
from grok.tracking import Run

if TYPE_CHECKING:
    import pandas as pd

EXTREMA = {
    "mir_max": "MIR max",
    "mir_min": "MIR min",
    "hdr_min": "HDR min",
    "hdr_max": "HDR max",
    "hdr_peak": "HDR peak",
}
STEPS = {
    "train_accuracy_0.99": "train accuracy 99 %",
    "test_accuracy_0.50": "test accuracy 50 %",
    "test_accuracy_0.99": "test accuracy 99 %",
    "grokked": "grokked",
    "ungrokked": "ungrokked",
}

GROKKING = ("grokked", "ungrokked")


def events_in_words(summary: Mapping[str, Any], *, groks: bool) -> list[str]:
    """Describe the events and last values of a run from the `summary` in its run.json.

    The lines list the steps of accuracies, the extrema of MIR and HDR and, if the network may grok, the turns of the
    measures.
    """
    events, last = summary["events"], summary["last"]
    lines = []
    for name, title in STEPS.items():
        if name in events and (groks or name not in GROKKING):  # runs of earlier versions have fewer events
            lines.append(f"{title:<20} {'never' if events[name] is None else f'step {events[name]:,}'}")
    lines += [
        "",
        f"{'pairing':<16}" + "".join(f"{title:>17}" for title in EXTREMA.values()) + f"{'MIR, HDR at the end':>22}",
    ]
    for pairing, extrema in events.items():
        if pairing in STEPS or pairing == "turns":
            continue
        cells = [
            f"{extrema[name]['value']:.3f} @ {extrema[name]['step']:>6,}" if name in extrema else "-"
            for name in EXTREMA
        ]
        columns = [interplay(pairing, ratio) for ratio in RATIOS]
        end = ", ".join(f"{last[column]:.3f}" if column in last else "-" for column in columns)
        lines.append(f"{pairing:<16}" + "".join(f"{cell:>17}" for cell in cells) + f"{end:>22}")
    turns = events.get("turns")
    if groks and turns:
        width = max(len(column) for column in ("measure", *turns))
        lines += ["", f"{'measure':<{width}}{'turn detected':>16}{'from':>10}"]
        for column, turn in turns.items():
            steps = ("never", "-") if turn["detected"] is None else (f"{turn['detected']:,}", f"{turn['onset']:,}")
            lines.append(f"{column:<{width}}{steps[0]:>16}{steps[1]:>10}")
    return lines


def read(run: Run, columns: Sequence[str]) -> pd.DataFrame:
    """Return those of the named columns that a record has, indexed by step."""
    return run.read_table(["step", *columns]).to_pandas().set_index("step")


def cell(value: float, form: str, unit: str = "") -> str:
    """Format a number with its unit; a number that was not measured becomes a dash.

    >>> cell(0.95, ".1%"), cell(2.5, ".3f", " nats"), cell(math.nan, ".3f", " nats")
    ('95.0%', '2.500 nats', '-')
    """
    return "-" if math.isnan(value) else f"{value:{form}}{unit}"
