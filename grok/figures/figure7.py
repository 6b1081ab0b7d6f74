"""Figure 7: accuracy with MIR and with HDR along training, for the three pairings of a grokking run."""

from pathlib import Path

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine

from grok.figures.bands import BAND, FEW, band_table, draw_band
from grok.figures.missing import not_drawn
from grok.figures.records import RunGroup, finished_groups, studies
from grok.figures.style import BLUE, GREEN, GREY, PURPLE, SKY, VERMILION, shared_legend, styled, write_figure
from grok.information import simplex_etf_interplay
from grok.tracking.export import thinned

ROWS = 150  # a decade of steps, drawn of each record where a seed is a line

RATIOS = {"mir": "MIR", "hdr": "HDR"}
COLOURS = {"mir": VERMILION, "hdr": GREEN}
PROBES = {
    "interplay/prototype/test/mir": "prototype",
    "interplay/sample/test/mir": "sample",
    "interplay/embedding/mir": "embedding",
}


def draw_figure7(source: Path, target: Path) -> list[Path]:
    """Draw the configs in `source` that stand alone, in a sweep or without one, and those that have controls.

    Rows are MIR and HDR, columns the pairings. A line a seed; of more than a few seeds the median, and the band from
    the 10 % to the 90 % quantile. Two lines of theory: the value at neural collapse, and that of the Fourier circuit,
    by the closed form from the power spectra measured at each step.
    """
    wanted = {group.name for study in studies(source) if (group := study.main())}
    groups = [group for group in finished_groups(source) if group.name in wanted]
    return [path for group in groups for path in _draw_group(group, target)]


def _draw_group(group: RunGroup, folder: Path) -> list[Path]:
    pairings = _pairings(group)
    if not pairings:
        not_drawn("figure7", group.name, PROBES)
        return []
    records = group.metrics()
    if len(records) <= FEW:
        records = {seed: thinned(metrics, ROWS) for seed, metrics in records.items()}
    collapse = simplex_etf_interplay(group.grokking.task.num_elements)
    with styled():
        figure = Figure(
            figsize=(4.6 * len(pairings) + 0.4, 8.4), layout=ConstrainedLayoutEngine(rect=(0, 0.045, 1, 0.955))
        )
        axes = figure.subplots(len(RATIOS), len(pairings), sharex=True, sharey=True, squeeze=False)
        for row, (ratio, label) in zip(axes, RATIOS.items(), strict=True):
            collapse_value = getattr(collapse, ratio).item()
            for axis, pairing in zip(row, pairings, strict=True):
                for split, colour in (("train", SKY), ("test", BLUE)):
                    draw_band(axis, records, f"{split}/accuracy", colour=colour, label=f"{split} accuracy")
                _draw_ratio(axis, records, pairing, ratio, label)
                axis.axhline(
                    collapse_value,
                    color=GREY,
                    linestyle=":",
                    label=f"{label} at neural collapse ({collapse_value:.3f})",
                )
                axis.set(xscale="log", ylim=(-0.03, 1.03))
            row[0].set_ylabel(f"accuracy and {label} (fractions)")
        for axis, title in zip(axes[0], pairings.values(), strict=True):
            axis.set_title(title)
        for axis in axes[-1]:
            axis.set_xlabel("step + 1")
        shared_legend(figure, columns=4)
        figure.suptitle(_title(group))
        return write_figure(figure, _plotted(records, pairings), folder, f"figure7-{group.name}", stamp=group.stamp)


def _title(group: RunGroup) -> str:
    seeds = ", ".join(map(str, group.runs))
    what = f"Grokking {group.grokking.task.description}"
    if len(group.runs) <= FEW:
        return f"{what}, a line a seed: {seeds}"
    return f"{what}, {len(group.runs)} seeds: {BAND}"


def _pairings(group: RunGroup) -> dict[str, str]:
    """The pairings that were measured, and their titles with n."""
    columns = next(iter(group.runs.values())).columns()
    num_classes, size = group.grokking.task.num_elements, group.grokking.probes.sample_size
    titles = {
        "prototype": f"prototype: head rows with class means, n = {num_classes}",
        "sample": f"sample: features with their head rows, n = {size}",
        "embedding": f"embedding: tokens with head rows, n = {num_classes}",
    }
    return {
        pairing: title
        for pairing, title in titles.items()
        if any(column.startswith(f"interplay/{pairing}/") for column in columns)
    }


def _draw_ratio(axis: Axes, records: dict[int, pd.DataFrame], pairing: str, ratio: str, label: str) -> None:
    colour = COLOURS[ratio]
    on_test = f"{label}, test (embedding: no split)"
    if pairing == "embedding":
        draw_band(axis, records, f"interplay/embedding/{ratio}", colour=colour, label=on_test)
    else:
        prefix = f"interplay/{pairing}"
        draw_band(axis, records, f"{prefix}/train/{ratio}", colour=colour, line="--", label=f"{label}, train")
        draw_band(axis, records, f"{prefix}/test/{ratio}", colour=colour, label=on_test)
    theory = f"{label} of a Fourier circuit, from the measured spectra"
    draw_band(axis, records, f"theory/{pairing}/{ratio}", colour=PURPLE, line="-.", label=theory)


def _plotted(records: dict[int, pd.DataFrame], pairings: dict[str, str]) -> pd.DataFrame:
    """What is drawn, as a table: a row a seed and step, or the bands of many seeds."""
    columns = [
        column
        for column in next(iter(records.values())).columns
        if column in ("train/accuracy", "test/accuracy")
        or (column.split("/")[-1] in RATIOS and column.split("/")[1] in pairings)
    ]
    if len(records) > FEW:
        return band_table(records, columns)
    return pd.concat([metrics[columns].reset_index().assign(seed=seed) for seed, metrics in records.items()])[
        ["seed", "step", *columns]
    ]
