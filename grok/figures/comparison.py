"""Accuracy, MIR and HDR along training for every operation, modulus or control of a study: a panel each."""

from pathlib import Path

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine

from grok.figures.bands import band_table, draw_band
from grok.figures.missing import not_drawn
from grok.figures.records import Study, studies
from grok.figures.style import BLUE, GREEN, SKY, VERMILION, handles_by_label, styled, write_figure

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
            written += _draw_study(study, "controls", titles, target)
    return written


def _draw_values(setting: str, name: str, source: Path, target: Path) -> list[Path]:
    compared = [study for study in studies(source) if len(study.varies(setting)) >= ENOUGH]
    written = []
    for study in compared:
        titles = {group.name: group.grokking.task.description for group in study.groups}
        written += _draw_study(study, name, titles, target)
    return written


def _draw_study(study: Study, name: str, titles: dict[str, str], folder: Path) -> list[Path]:
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
            figsize=(3.3 * across + 0.4, 2.9 * down + 1.1), layout=ConstrainedLayoutEngine(rect=(0, 0.03, 1, 0.97))
        )
        axes = figure.subplots(down, across, sharex=True, sharey=True, squeeze=False)
        for axis, group in zip(axes.flat, groups, strict=False):
            of_group = records[group.name]
            _draw_panel(axis, of_group)
            size = group.grokking.probes.sample_size
            axis.set_title(f"{titles[group.name]}\nn = {size}, {len(of_group)} seeds", fontsize=10)
            plotted.append(band_table(of_group, LINES).assign(config=group.name))
        for axis in list(axes.flat)[len(groups) :]:
            axis.set_visible(False)
        for column in range(across):  # the lowest panel of each column
            lowest = axes[(len(groups) - 1 - column) // across, column]
            lowest.set_xlabel("step + 1")
            lowest.tick_params(labelbottom=True)
        for row in axes:
            row[0].set_ylabel("fraction")
        handles = handles_by_label(axes.flat)
        figure.legend(handles.values(), handles.keys(), loc="outside upper center", ncols=len(LINES))
        table = pd.concat(plotted, ignore_index=True)
        return write_figure(figure, table, folder, f"{name}-{study.name}", stamp=study.stamp)


def _draw_panel(axis: Axes, records: dict[int, pd.DataFrame]) -> None:
    for column, (label, colour) in LINES.items():
        draw_band(axis, records, column, colour=colour, label=label)
    axis.set(xscale="log", ylim=(-0.03, 1.03))
