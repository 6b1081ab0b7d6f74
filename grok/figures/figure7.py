"""Figure 7: accuracy with MIR and with HDR along training, for the three pairings of a grokking run."""

import sys
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine

from grok.figures.records import RunGroup, finished_groups
from grok.figures.style import BLUE, GREEN, GREY, SKY, VERMILION, styled, write_figure
from grok.information import simplex_etf_interplay

POINTS = 600  # rows drawn of each record: steps thinned evenly on the log axis

RATIOS = {"mir": "MIR", "hdr": "HDR"}
COLOURS = {"mir": VERMILION, "hdr": GREEN}


def draw_figure7(source: Path, target: Path) -> list[Path]:
    """Draw the finished grokking runs in `source`, a figure a config and a line a seed.

    Rows are MIR and HDR, columns the pairings. A grey line is the value at neural collapse.
    """
    groups = [group for group in finished_groups(source) if group.experiment == "grokking"]
    return [path for group in groups for path in _draw_group(group, target)]


def _draw_group(group: RunGroup, folder: Path) -> list[Path]:
    records = {seed: _thinned(metrics) for seed, metrics in group.metrics().items()}
    num_classes = group.config["task"]["modulus"]
    collapse = simplex_etf_interplay(num_classes)
    pairings = _pairings(group, next(iter(records.values())))
    if not pairings:
        print(f"grok: figure7: left out {group.name}, which measured no pairing", file=sys.stderr)
        return []
    plotted = _plotted(records, pairings)
    with styled():
        figure = Figure(
            figsize=(4.6 * len(pairings) + 0.4, 8.4), layout=ConstrainedLayoutEngine(rect=(0, 0.045, 1, 0.955))
        )
        axes = figure.subplots(len(RATIOS), len(pairings), sharex=True, sharey=True, squeeze=False)
        for row, (ratio, label) in zip(axes, RATIOS.items(), strict=True):
            collapse_value = getattr(collapse, ratio).item()
            for axis, pairing in zip(row, pairings, strict=True):
                _draw_accuracy(axis, records)
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
        handles = {
            label: line for axis in axes[:, 0] for line, label in zip(*axis.get_legend_handles_labels(), strict=True)
        }
        figure.legend(handles.values(), handles.keys(), loc="outside lower center", ncols=4)
        seeds = ", ".join(map(str, records))
        figure.suptitle(f"Grokking a + b mod {num_classes}, a line a seed: {seeds}")
        return write_figure(figure, plotted, folder, f"figure7-{group.name}", stamp=f"runs: {', '.join(group.run_ids)}")


def _pairings(group: RunGroup, metrics: pd.DataFrame) -> dict[str, str]:
    """The pairings that were measured, and their titles with n."""
    task = group.config["task"]
    num_classes, size = task["modulus"], group.config["probes"]["sample_size"]
    titles = {
        "prototype": f"prototype: head rows with class means, n = {num_classes}",
        "sample": f"sample: features with their head rows, n = {size}",
        "embedding": f"embedding: tokens with head rows, n = {num_classes}",
    }
    return {
        pairing: title
        for pairing, title in titles.items()
        if any(column.startswith(f"interplay/{pairing}/") for column in metrics.columns)
    }


def _draw_accuracy(axis: Axes, records: dict[int, pd.DataFrame]) -> None:
    for split, colour in (("train", SKY), ("test", BLUE)):
        _draw_seeds(axis, records, f"{split}/accuracy", colour, "-", f"{split} accuracy")


def _draw_ratio(axis: Axes, records: dict[int, pd.DataFrame], pairing: str, ratio: str, label: str) -> None:
    if pairing == "embedding":
        _draw_seeds(axis, records, f"interplay/embedding/{ratio}", COLOURS[ratio], "-", f"{label}")
        return
    for split, line in (("train", "--"), ("test", "-")):
        _draw_seeds(
            axis,
            records,
            f"interplay/{pairing}/{split}/{ratio}",
            COLOURS[ratio],
            line,
            f"{label}, {split}" if split == "train" else f"{label}, test (embedding: no split)",
        )


def _draw_seeds(axis: Axes, records: dict[int, pd.DataFrame], column: str, colour: str, line: str, label: str) -> None:
    for metrics in records.values():
        if column in metrics:
            values = metrics[column].dropna()
            axis.plot(values.index + 1, values, color=colour, linestyle=line, label=label)


def _thinned(metrics: pd.DataFrame) -> pd.DataFrame:
    """The rows that hold a column's measurement at or after one of `POINTS` log-spaced steps, the last row included."""
    wanted = np.geomspace(1, metrics.index.max() + 1, POINTS) - 1
    kept: set[int] = set()
    for column in metrics.columns:
        measured = metrics[column].dropna().index
        if len(measured):
            kept |= set(measured[np.searchsorted(measured, wanted).clip(0, len(measured) - 1)])
    return metrics.loc[sorted(kept)]


def _plotted(records: dict[int, pd.DataFrame], pairings: dict[str, str]) -> pd.DataFrame:
    """What is drawn, as a table: a row a seed and step."""
    columns = [
        column
        for column in next(iter(records.values())).columns
        if column in ("train/accuracy", "test/accuracy")
        or (column.split("/")[-1] in RATIOS and column.split("/")[1] in pairings)
    ]
    return pd.concat([metrics[columns].reset_index().assign(seed=seed) for seed, metrics in records.items()])[
        ["seed", "step", *columns]
    ]
