"""Figure 5: what label smoothing does to accuracy, MIR and HDR at the end of standard training."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine

from grok.config import SupervisedConfig
from grok.figures.markdown import QUANTILES, median_cell, name_of, seeds_in_words, table, write_markdown
from grok.figures.missing import not_drawn
from grok.figures.records import Study, part_name, studies
from grok.figures.style import BLUE, GREEN, VERMILION, own_legend, styled, write_figure

ENOUGH = 3  # values of label smoothing that make a comparison
SETTING = "label_smoothing"
PANELS = {
    "accuracy": {"test/accuracy": ("accuracy", GREEN)},
    "MIR": {
        "interplay/sample/test/mir": ("sample, n = {sample}", VERMILION),
        "interplay/prototype/test/mir": ("prototype, n = {prototype}", BLUE),
    },
    "HDR": {
        "interplay/sample/test/hdr": ("sample, n = {sample}", VERMILION),
        "interplay/prototype/test/hdr": ("prototype, n = {prototype}", BLUE),
    },
}
PROBES = {"test/accuracy": "accuracy", "interplay/sample/test/mir": "sample"}


def draw_label_smoothing(source: Path, target: Path) -> list[Path]:
    """Draw each study of standard training with at least three values of label smoothing.

    Test accuracy, MIR and HDR as they were last measured: a dot a seed, a line through the medians. Configs that differ
    in more are in figures of their own. The medians are in Markdown beside it.
    """
    parts = [part for study in studies(source, "supervised") for part in study.parts([SETTING])]
    return [
        path
        for settings, part in parts
        if len(part.varies(SETTING)) >= ENOUGH
        for path in _draw_study(part, settings, target)
    ]


def _draw_study(study: Study, settings: Mapping[str, Any], folder: Path) -> list[Path]:
    ends = _ends(study)
    panels = {title: lines for title, lines in PANELS.items() if any(ends[name].notna().any() for name in lines)}
    if not panels:
        not_drawn("label-smoothing", study.name, PROBES)
        return []
    config = study.groups[0].config_as(SupervisedConfig)
    sizes = {"sample": config.probes.sample_size, "prototype": config.task.num_classes}
    with styled():
        figure = Figure(
            figsize=(max(4.3 * len(panels) + 0.4, 7.5), 4.5), layout=ConstrainedLayoutEngine(rect=(0, 0.04, 1, 0.96))
        )
        axes = figure.subplots(1, len(panels), sharex=True, sharey=True, squeeze=False)[0]
        for axis, (title, lines) in zip(axes, panels.items(), strict=True):
            for column, (label, colour) in lines.items():
                _draw_ends(axis, ends, column, label=label.format(**sizes), colour=colour)
            axis.set(title=title, xlabel="label smoothing ε (fraction)", ylim=(-0.03, 1.03))
            if len(lines) > 1:
                own_legend(axis)
        axes[0].set_ylabel("fraction")
        seeds = max(len(group.runs) for group in study.groups)
        figure.suptitle(f"End of training, {config.label}, test split, {seeds_in_words(seeds)}: dots, and their median")
        name = part_name("label-smoothing", study, settings)
        written = write_figure(figure, ends, folder, name, stamp=study.stamp)
    measures = [column for lines in panels.values() for column in lines]
    rows = [
        {"label smoothing": f"{epsilon:g}"} | {name_of(each): median_cell(of_epsilon[each], each) for each in measures}
        for epsilon, of_epsilon in ends.groupby(SETTING)
    ]
    about = f"{config.label}, test split at the end, {seeds_in_words(seeds)}, n = {sizes['sample']} in `sample`"
    return [*written, write_markdown(folder, name, [table(rows), f"{about}: {QUANTILES}."])]


def _ends(study: Study) -> pd.DataFrame:
    """A row a run: each measure as it was last measured; NaN where it was not."""
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
