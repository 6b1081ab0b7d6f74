"""Lead time of each measure over the rise of test accuracy, beside its false alarms in controls."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from grok.analysis.lead_time import ALL, lead_time_table, markdown, summary_row
from grok.columns import TEST_ACCURACY
from grok.figures.drawing import Drawing, FigureKind
from grok.figures.records import Study
from grok.figures.style import BLUE, GREY, ORANGE, PURPLE, VERMILION, new_figure, shared_legend

COLOURS = (BLUE, VERMILION, ORANGE, PURPLE)  # for the runs and up to three kinds of controls


def draw_lead_time(study: Study) -> Drawing | None:
    """Draw a study of one config and its controls: random labels, weight decay 0, or a smaller train fraction.

    The left panel shows the lead of each measure: the step at which test accuracy reaches 50 % minus the step at which
    the turn of the measure was detected. It has one mark per run, and the 95 % interval of the median. The right panel
    shows the fraction of runs in which the measure turned before the rise. It also shows the fraction of controls in
    which it turned, although they do not generalise. The turns come from the summaries, which describe whole records.
    """
    main, kinds = study.main(), study.controls()
    assert main
    if not any(TEST_ACCURACY in summary.get("last", {}) for summary in main.summaries.values()):
        return None
    rows = pd.DataFrame(
        [
            summary_row(manifest["summary"], last_step=manifest["step"])
            | {"run": group.runs[seed].id, "control": kinds[group.name]}
            for group in study.groups
            for seed, manifest in group.manifests.items()
        ]
    ).set_index("run")
    is_control = rows["control"].notna()
    runs = rows[~is_control].drop(columns="control")
    table = lead_time_table(runs, rows[is_control]).sort_values("ratio", na_position="first")
    figure = new_figure(13.0, 0.36 * len(table) + 2.2, foot=0.04)
    left, right = figure.subplots(1, 2, sharey=True, width_ratios=[3, 2])
    _draw_leads(left, table, runs[np.isfinite(runs["grokked"])])
    _draw_shares(right, table)
    left.set_yticks(range(len(table)), [f"{title}" for title in table["title"]])
    left.set_ylim(-0.7, len(table) - 0.3)
    shared_legend(figure, columns=2)
    figure.suptitle(f"{main.grokking.task.description}: does a measure turn before test accuracy rises?")
    return Drawing(
        name=study.file_name("lead-time"),
        figure=figure,
        table=table.reset_index(),
        stamp=study.stamp,
        markdown=markdown(table).rstrip(),
    )


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


LEAD_TIME = FigureKind(
    name="lead-time",
    about="a sweep of one config and its controls, such as random labels",
    subjects=lambda source: [study for study in source.studies if study.controls()],
    picture=draw_lead_time,
    needs={TEST_ACCURACY: "accuracy"},
)
