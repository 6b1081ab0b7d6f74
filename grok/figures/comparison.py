"""Accuracy, MIR and HDR along training for every operation, modulus or control of a study: a panel each."""

from pathlib import Path

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine

from grok.figures.bands import BAND, FEW, band_table, draw_band
from grok.figures.markdown import seeds_in_words
from grok.figures.missing import not_drawn
from grok.figures.records import RunGroup, Study, differing, studies
from grok.figures.style import BLUE, GREEN, SKY, VERMILION, shared_legend, styled, write_figure

ENOUGH = 3  # values of a setting that make a comparison
ACROSS = 5  # panels in a row
LINES = {
    "train/accuracy": ("train accuracy", SKY),
    "test/accuracy": ("test accuracy", BLUE),
    "interplay/sample/test/mir": ("MIR", VERMILION),
    "interplay/sample/test/hdr": ("HDR", GREEN),
}
PROBES = {"test/accuracy": "accuracy", "interplay/sample/test/mir": "sample"}


def draw_operations(source: Path, target: Path) -> list[Path]:
    """Draw each study of at least three operations: pairing `sample` on the test split, a panel an operation."""
    return _draw_values("task.operation", "operations", source, target)


def draw_moduli(source: Path, target: Path) -> list[Path]:
    """Draw each study of at least three moduli: pairing `sample` on the test split, a panel a modulus."""
    return _draw_values("task.modulus", "moduli", source, target)


def draw_controls(source: Path, target: Path) -> list[Path]:
    """Draw each study of one config and its controls: pairing `sample` on the test split, a panel each."""
    written = []
    for study in studies(source):
        if kinds := study.controls():
            titles = {name: kind or "grokking" for name, kind in kinds.items()}
            main = study.main()
            assert main
            written += _draw_study(study, "controls", titles, target, heading=f"{main.grokking.task.description}; ")
    return written


def _draw_values(setting: str, name: str, source: Path, target: Path) -> list[Path]:
    compared = [study for study in studies(source) if len(study.varies(setting)) >= ENOUGH]
    written = []
    for study in compared:
        titles = {group.name: _title(group, study) for group in study.groups}
        written += _draw_study(study, name, titles, target)
    return written


def _title(group: RunGroup, study: Study) -> str:
    """The task, and below it the settings that tell the group from others of the same task."""
    task = group.grokking.task.description
    others = differing([other for other in study.groups if other.grokking.task.description == task])
    return "\n".join([task, *(f"{name.rpartition('.')[2]} {group.settings.get(name)}" for name in others)])


def _draw_study(study: Study, name: str, titles: dict[str, str], folder: Path, *, heading: str = "") -> list[Path]:
    records = {group.name: group.metrics(list(LINES)) for group in study.groups}
    groups = [
        group
        for group in study.groups
        if any(metrics.notna().any(axis=None) for metrics in records[group.name].values())
    ]
    if not groups:
        not_drawn(name, study.name, PROBES)
        return []
    across = min(ACROSS, len(groups))
    down = -(-len(groups) // across)
    plotted: list[pd.DataFrame] = []
    with styled():
        figure = Figure(
            figsize=(max(3.3 * across + 0.4, 7.5), 2.9 * down + 1.5),
            layout=ConstrainedLayoutEngine(rect=(0, 0.03, 1, 0.97)),
        )
        axes = figure.subplots(down, across, sharex=True, sharey=True, squeeze=False)
        for axis, group in zip(axes.flat, groups, strict=False):
            of_group = records[group.name]
            _draw_panel(axis, of_group)
            size, train = group.grokking.probes.sample_size, 100 * group.grokking.task.train_fraction
            seeds = seeds_in_words(len(of_group))
            below = f"n = {size}, {seeds}, {train:g} % train"
            axis.set_title(f"{titles[group.name]}\n{below}", fontsize=11)
            plotted.append(band_table(of_group, LINES).assign(config=group.name))
        for axis in list(axes.flat)[len(groups) :]:
            axis.set_visible(False)
        for column in range(across):  # the lowest panel of each column
            lowest = axes[(len(groups) - 1 - column) // across, column]
            lowest.set_xlabel("step + 1")
            lowest.tick_params(labelbottom=True)
        for row in axes:
            row[0].set_ylabel("fraction")
        shared_legend(figure, columns=len(LINES))
        most = max(len(of_group) for of_group in records.values())
        figure.suptitle(f"{heading}pairing sample, test split; {'a line a seed' if most <= FEW else BAND}")
        table = pd.concat(plotted, ignore_index=True)
        return write_figure(figure, table, folder, f"{name}-{study.name}", stamp=study.stamp)


def _draw_panel(axis: Axes, records: dict[int, pd.DataFrame]) -> None:
    for column, (label, colour) in LINES.items():
        draw_band(axis, records, column, colour=colour, label=label)
    axis.set(xscale="log", ylim=(-0.03, 1.03))
