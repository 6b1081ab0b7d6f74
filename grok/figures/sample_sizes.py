"""What the number of samples does to the `sample` pairing, beside the published curve, which does not name it."""

import re
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine

from grok.figures.bands import band
from grok.figures.records import RunGroup, finished_groups
from grok.figures.style import BLUE, GREEN, GREY, VERMILION, styled, write_figure

COLUMN = re.compile(r"interplay/sample-(\d+|all)/test/(mir|hdr)")
RATIOS = {"mir": "MIR", "hdr": "HDR"}

# The one published run, read off Figure 7 of Song et al. 2024: a + b mod 113, 30 % train
PUBLISHED = {
    "mir": {"at the start": 0.47, "highest": 0.62, "lowest after it": 0.36},
    "hdr": {"lowest before the rise": 0.08, "peak at the rise": 0.49, "at the end": 0.12},
}
STAGE_COLOURS = (GREEN, VERMILION, BLUE)


def draw_sample_sizes(source: Path, target: Path) -> list[Path]:
    """Draw every config in `source` that measured the `sample` pairing for many n (probe `sample_sizes`).

    Above, MIR and HDR along training, medians over seeds, a line an n. Below, the values of their stages against n,
    each with all seeds as dots, beside the published ones where the task is that of the paper.
    """
    groups = finished_groups(source)
    return [path for group in groups for path in _draw_group(group, target)]


def _draw_group(group: RunGroup, folder: Path) -> list[Path]:
    names = group.runs[min(group.runs)].columns()
    columns = [name for name in names if COLUMN.fullmatch(name)]
    if not columns:
        return []
    records = group.metrics(["test/accuracy", *columns])
    everything = group.grokking.task.test_size
    sizes = {column: _size(column, everything) for column in columns}
    values = pd.DataFrame(
        [
            {"seed": seed, "ratio": column.rpartition("/")[2], "n": sizes[column], "stage": stage, "value": value}
            for seed, metrics in records.items()
            for column in columns
            if column in metrics
            for stage, value in stages(metrics, column).items()
        ],
        columns=["seed", "ratio", "n", "stage", "value"],
    )
    task = group.grokking.task
    published = PUBLISHED if (task.operation, task.modulus, task.train_fraction) == ("add", 113, 0.3) else {}
    with styled():
        figure = Figure(figsize=(11.5, 9), layout=ConstrainedLayoutEngine(rect=(0, 0.03, 1, 0.97)))
        axes = figure.subplots(2, 2)
        for place, (ratio, label) in enumerate(RATIOS.items()):
            _draw_curves(axes[0, place], records, [name for name in columns if name.endswith(ratio)], sizes, label)
            if ratio in set(values["ratio"]):
                _draw_stages(axes[1, place], values[values["ratio"] == ratio], published.get(ratio, {}), label)
            else:
                axes[1, place].set_visible(False)
        axes[0, -1].legend(fontsize=9, ncols=2)  # of both panels: HDR leaves room for it
        figure.suptitle(f"pairing sample, test split, {task.description}, {len(records)} seeds")
        return write_figure(figure, values, folder, f"sample-sizes-{group.name}", stamp=group.stamp)


def stages(metrics: pd.DataFrame, column: str) -> dict[str, float]:
    """The values by which the published curve is described.

    MIR: at step 0, its highest, and its lowest from there on. HDR: its lowest before test accuracy reaches 50 %, the
    highest from there on, and at the end; nothing if 50 % is never reached, or accuracy was not measured.
    """
    measured = metrics[column].dropna()
    steps, values = measured.index.to_numpy(), measured.to_numpy(dtype=float)
    if column.endswith("mir"):
        after = values[values.argmax() :]
        return {"at the start": values[0], "highest": values.max(), "lowest after it": after.min()}
    risen = metrics.index[metrics["test/accuracy"] >= 0.5] if "test/accuracy" in metrics else metrics.index[:0]
    if not len(risen):
        return {}
    lowest = values[steps <= risen[0]].argmin()
    return {
        "lowest before the rise": values[lowest],
        "peak at the rise": values[lowest:].max(),
        "at the end": values[-1],
    }


def _size(column: str, everything: int) -> int:
    match = COLUMN.fullmatch(column)
    assert match
    return everything if match[1] == "all" else int(match[1])


def _draw_curves(
    axis: Axes, records: dict[int, pd.DataFrame], columns: list[str], sizes: dict[str, int], label: str
) -> None:
    ordered = sorted(columns, key=sizes.__getitem__)
    for column, place in zip(ordered, np.linspace(0, 0.92, len(ordered)), strict=True):
        found = band(records, column)
        if found is not None:
            colour = mpl.colormaps["viridis"](place)
            axis.plot(found.index + 1, found["median"], color=colour, label=f"n = {sizes[column]:,}")
    axis.set(xscale="log", ylim=(-0.03, 1.03), xlabel="step + 1", ylabel=f"{label}, median over seeds")


def _draw_stages(axis: Axes, values: pd.DataFrame, published: dict[str, float], label: str) -> None:
    for (stage, rows), colour in zip(values.groupby("stage", sort=False), STAGE_COLOURS, strict=False):
        axis.plot(rows["n"], rows["value"], ".", color=colour, alpha=0.5)
        medians = rows.groupby("n")["value"].median()
        axis.plot(medians.index, medians, color=colour, label=str(stage))
        if stage in published:
            axis.axhline(published[str(stage)], color=colour, linestyle=":")
    if published:
        axis.plot([], [], color=GREY, linestyle=":", label="published")
    axis.set(xscale="log", ylim=(-0.03, 1.03), xlabel="number of samples n", ylabel=label)
    axis.legend(fontsize=9)
