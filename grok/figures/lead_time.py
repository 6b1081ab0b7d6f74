"""How early each measure turns before test accuracy rises, beside how often it turns where nothing is learned."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine

from grok.analysis.lead_time import ALL, lead_time_table, markdown, summary_row
from grok.figures.missing import not_drawn
from grok.figures.records import Study, studies
from grok.figures.style import BLUE, GREY, VERMILION, styled, write_figure


def draw_lead_time(source: Path, target: Path) -> list[Path]:
    """Draw each study of one config and its controls: random labels, weight decay 0, or a smaller train fraction.

    Left, a measure's lead: the step at which test accuracy reaches 50 % minus the one at which the measure was seen to
    have turned, a dot a run, with the median's 95 % interval. Right, the share of runs in which it turned before the
    rise, and of controls in which it turned though nothing is learned. The table is written as Markdown too. Turns are
    those in the runs' summaries, found in their whole records.
    """
    controlled = [(study, kinds) for study in studies(source) if (kinds := study.controls())]
    return [path for study, kinds in controlled for path in _draw_study(study, kinds, target)]


def _draw_study(study: Study, kinds: dict[str, str | None], folder: Path) -> list[Path]:
    main = study.main()
    assert main
    if not any("test/accuracy" in run.manifest()["summary"].get("last", {}) for run in main.runs.values()):
        not_drawn("lead-time", study.name, {"test/accuracy": "accuracy"})
        return []
    rows = pd.DataFrame(
        [
            summary_row(run.manifest()["summary"], last_step=run.manifest()["step"])
            | {"run": run.id, "control": kinds[group.name]}
            for group in study.groups
            for run in group.runs.values()
        ]
    ).set_index("run")
    is_control = rows["control"].notna()
    runs = rows[~is_control].drop(columns="control")
    table = lead_time_table(runs, rows[is_control]).sort_values("ratio", na_position="first")
    with styled():
        figure = Figure(figsize=(13, 0.36 * len(table) + 2.2), layout=ConstrainedLayoutEngine(rect=(0, 0.04, 1, 0.96)))
        left, right = figure.subplots(1, 2, sharey=True, width_ratios=[3, 2])
        _draw_leads(left, table, runs[np.isfinite(runs["grokked"])])
        _draw_shares(right, table)
        left.set_yticks(range(len(table)), [f"{title}" for title in table["title"]])
        figure.legend(loc="outside lower center", ncols=4)
        figure.suptitle(f"{main.grokking.task.description}: does a measure turn before test accuracy rises?")
        name = f"lead-time-{study.name}"
        written = write_figure(figure, table.reset_index(), folder, name, stamp=study.stamp)
    path = folder / f"{name}.md"
    path.write_text(markdown(table))
    return [*written, path]


def _draw_leads(axis: Axes, table: pd.DataFrame, grokked: pd.DataFrame) -> None:
    for place, (column, row) in enumerate(table.iterrows()):
        leads = (grokked["rise"] - grokked[f"detected/{column}"]).replace(-np.inf, np.nan).dropna()
        axis.plot(leads, np.full(len(leads), place), ".", color=BLUE, alpha=0.35)
        if np.isfinite(row["lead_low"]):
            axis.plot([row["lead_low"], row["lead_high"]], [place, place], color=BLUE, linewidth=3)
        axis.plot(row["lead"], place, "o", color=BLUE)
    axis.axvline(0, color=GREY)
    axis.set(xlabel="lead over test accuracy 50 %, in steps (dots: runs; bar: 95 % interval of the median)")


def _draw_shares(axis: Axes, table: pd.DataFrame) -> None:
    places = np.arange(len(table))
    kinds = [
        name.removeprefix("alarms/")
        for name in map(str, table)
        if name.startswith("alarms/") and name != f"alarms/{ALL}"
    ]
    height = 0.8 / (1 + len(kinds))
    shares: dict[str, Any] = {"grokking runs, before the rise": table["before"] / table["runs"]}
    shares |= {f"control: {kind}": table[f"alarms/{kind}"] / table[f"controls/{kind}"] for kind in kinds}
    shades = [BLUE, *(VERMILION for _ in kinds)]
    for index, ((label, share), colour) in enumerate(zip(shares.items(), shades, strict=True)):
        offset = 0.4 - (index + 0.5) * height
        strength = 1.0 if index == 0 else 1 - 0.3 * (index - 1)
        axis.barh(places + offset, share, height, color=colour, alpha=strength, label=label)
    axis.set(xlim=(0, 1.02), xlabel="share of runs in which it turned")
