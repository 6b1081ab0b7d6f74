"""Figure 5: accuracy, MIR and HDR at the end of standard training, by label smoothing."""

import pandas as pd
from matplotlib.axes import Axes

from grok.columns import PROTOTYPE_HDR, PROTOTYPE_MIR, SAMPLE_HDR, SAMPLE_MIR, TEST_ACCURACY
from grok.config import SupervisedConfig
from grok.figures.drawing import Drawing, FigureKind
from grok.figures.records import Source, Study
from grok.figures.style import BLUE, GREEN, VERMILION, own_legend, panels
from grok.figures.tables import QUANTILES, markdown_table, median_cell, name_of, seeds_in_words

ENOUGH = 3  # smallest number of values of label smoothing that are compared
SETTING = "label_smoothing"
PANELS = {
    "accuracy": {TEST_ACCURACY: ("accuracy", GREEN)},
    "MIR": {
        SAMPLE_MIR: ("sample, n = {sample}", VERMILION),
        PROTOTYPE_MIR: ("prototype, n = {prototype}", BLUE),
    },
    "HDR": {
        SAMPLE_HDR: ("sample, n = {sample}", VERMILION),
        PROTOTYPE_HDR: ("prototype, n = {prototype}", BLUE),
    },
}


def draw_label_smoothing(study: Study) -> Drawing | None:
    """Draw the last measured test accuracy, MIR and HDR against label smoothing.

    There is one dot per seed, and a line through the medians. A Markdown table gives the medians.
    """
    ends = _ends(study)
    shown = {title: lines for title, lines in PANELS.items() if any(ends[name].notna().any() for name in lines)}
    if not shown:
        return None
    config = study.groups[0].config_as(SupervisedConfig)
    sizes = {"sample": config.probes.sample_size, "prototype": config.task.num_classes}
    figure, axes = panels(
        len(shown),
        across=len(shown),
        size=(4.3, 4.5),
        more=(0.4, 0.0),
        least_width=7.5,
        foot=0.04,
        xlabel="label smoothing ε (fraction)",
    )
    for axis, (title, lines) in zip(axes, shown.items(), strict=True):
        for column, (label, colour) in lines.items():
            _draw_ends(axis, ends, column, label=label.format(**sizes), colour=colour)
        axis.set(title=title, ylim=(-0.03, 1.03))
        if len(lines) > 1:
            own_legend(axis)
    axes[0].set_ylabel("fraction")
    seeds = seeds_in_words(study.seeds)
    figure.suptitle(f"End of training, {config.label}, test split, {seeds}: dots, and their median")
    measures = [column for lines in shown.values() for column in lines]
    rows = [
        {"label smoothing": f"{epsilon:g}"} | {name_of(each): median_cell(of_epsilon[each], each) for each in measures}
        for epsilon, of_epsilon in ends.groupby(SETTING)
    ]
    about = f"{config.label}, test split at the end, {seeds}, n = {sizes['sample']} in `sample`"
    return Drawing(
        name=study.file_name("label-smoothing"),
        figure=figure,
        table=ends,
        stamp=study.stamp,
        markdown=f"{markdown_table(rows)}\n\n{about}: {QUANTILES}.",
    )


def _ends(study: Study) -> pd.DataFrame:
    """Return one row per run with the last value of each measure; NaN if it was not measured."""
    columns = [name for lines in PANELS.values() for name in lines]
    rows = []
    for group in study.groups:
        for seed, metrics in group.metrics(columns).items():
            last = metrics.ffill().iloc[-1:].to_dict("records")
            rows += [{SETTING: group.settings[SETTING], "config": group.name, "seed": seed} | values for values in last]
    names = [SETTING, "config", "seed", *columns]
    return pd.DataFrame(rows).reindex(columns=names).sort_values([SETTING, "seed"], ignore_index=True)


def _draw_ends(axis: Axes, ends: pd.DataFrame, column: str, *, label: str, colour: str) -> None:
    measured = ends.dropna(subset=[column])
    axis.plot(measured[SETTING], measured[column], ".", color=colour, alpha=0.5)
    medians = measured.groupby(SETTING)[column].median()
    axis.plot(medians.index, medians, color=colour, label=label)


def _comparisons(source: Source) -> list[Study]:
    """Return the studies to compare, each split so that only label smoothing varies within a figure."""
    parts = [part for study in source.studies for part in study.parts([SETTING])]
    return [part for part in parts if len(part.varies(SETTING)) >= ENOUGH]


LABEL_SMOOTHING = FigureKind(
    name="label-smoothing",
    about="a sweep of standard training over at least three values of label smoothing",
    subjects=_comparisons,
    picture=draw_label_smoothing,
    needs={TEST_ACCURACY: "accuracy", SAMPLE_MIR: "sample"},
)
