"""How early each measure turns before test accuracy rises, beside how often it turns where nothing is learned."""

from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine

from grok.analysis.lead_time import ALL, lead_time_table, markdown, summary_row
from grok.figures.markdown import write_markdown
from grok.figures.missing import not_drawn
from grok.figures.records import Study, studies
from grok.figures.style import BLUE, GREY, ORANGE, PURPLE, VERMILION, shared_legend, styled, write_figure

COLOURS = (BLUE, VERMILION, ORANGE, PURPLE)  # of the runs and of up to three kinds of controls


def draw_lead_time(source: Path, target: Path) -> list[Path]:
    """Draw each study of one config and its controls: random labels, weight decay 0, or a smaller train fraction.

    Left, a measure's lead: the step at which test accuracy reaches 50 % minus the one at which the measure was seen to
    have turned, a stroke a run, with the median's 95 % interval. Right, the share of runs in which it turned before the
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
        left.set_ylim(-0.7, len(table) - 0.3)
        shared_legend(figure, columns=2)
        figure.suptitle(f"{main.grokking.task.description}: does a measure turn before test accuracy rises?")
        name = f"lead-time-{study.name}"
        written = write_figure(figure, table.reset_index(), folder, name, stamp=study.stamp)
    return [*written, write_markdown(folder, name, [markdown(table).rstrip()])]


def _draw_leads(axis: Axes, table: pd.DataFrame, grokked: pd.DataFrame) -> None:
    for place, (column, row) in enumerate(table.iterrows()):
        leads = (grokked["rise"] - grokked[f"detected/{column}"]).replace(-np.inf, np.nan).dropna()
        axis.plot(leads, np.full(len(leads), place), "|", color=BLUE, markersize=11, zorder=3)
        if np.isfinite(row["lead_low"]):
            axis.plot([row["lead_low"], row["lead_high"]], [place, place], color=BLUE, linewidth=6, alpha=0.35)
        axis.plot(row["lead"], place, "o", color=BLUE, markersize=7, zorder=4)
    axis.axvline(0, color=GREY)
    axis.xaxis.set_major_formatter("{x:,.0f}")
    axis.set(xlabel="lead over test accuracy 50 % (steps)", title="stroke: a run; dot: median; bar: its 95 % interval")


def _draw_shares(axis: Axes, table: pd.DataFrame) -> None:
    places = np.arange(len(table))
    kinds = [
        name.removeprefix("alarms/")
        for name in map(str, table)
        if name.startswith("alarms/") and name != f"alarms/{ALL}"
    ]
    height = 0.8 / (1 + len(kinds))
    counted = {"grokking runs, before the rise": (table["before"], table["runs"])}
    counted |= {f"control: {kind}": (table[f"alarms/{kind}"], table[f"controls/{kind}"]) for kind in kinds}
    for index, ((label, (turned, of)), colour) in enumerate(zip(counted.items(), COLOURS, strict=False)):
        offset = 0.4 - (index + 0.5) * height
        axis.barh(places + offset, turned / of, height, color=colour, label=f"{label} (n = {of.max()})")
    axis.set(xlim=(0, 1.02), xlabel="share of runs in which it turned", title="no bar: in none")
