"""What the number of samples does to the `sample` pairing, beside the published curve, which does not name it."""

import re
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine

from grok.config import SupervisedConfig
from grok.figures.bands import band
from grok.figures.records import RunGroup, finished_groups
from grok.figures.style import BLUE, GREEN, GREY, VERMILION, styled, write_figure
from grok.information import simplex_etf_interplay

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
    each with all seeds as dots. Beside them are the published ones where the task is that of the paper, and, of images,
    those at neural collapse, which n does not move.
    """
    groups = [*finished_groups(source), *finished_groups(source, "supervised")]
    return [path for group in groups for path in _draw_group(group, target)]


def _draw_group(group: RunGroup, folder: Path) -> list[Path]:
    names = group.runs[min(group.runs)].columns()
    columns = [name for name in names if COLUMN.fullmatch(name)]
    if not columns:
        return []
    records = group.metrics(["test/accuracy", *columns])
    everything = _test_size(group)
    stages_of = stages if group.experiment == "grokking" else ends
    sizes = {column: _size(column, everything) for column in columns}
    values = pd.DataFrame(
        [
            {"seed": seed, "ratio": column.rpartition("/")[2], "n": sizes[column], "stage": stage, "value": value}
            for seed, metrics in records.items()
            for column in columns
            if column in metrics
            for stage, value in stages_of(metrics, column).items()
        ],
        columns=["seed", "ratio", "n", "stage", "value"],
    )
    published = _published(group)
    with styled():
        figure = Figure(figsize=(11.5, 9), layout=ConstrainedLayoutEngine(rect=(0, 0.03, 1, 0.97)))
        axes = figure.subplots(2, 2)
        for place, (ratio, label) in enumerate(RATIOS.items()):
            _draw_curves(axes[0, place], records, [name for name in columns if name.endswith(ratio)], sizes, label)
            if ratio in set(values["ratio"]):
                collapse = _at_collapse(group, ratio)
                _draw_stages(
                    axes[1, place], values[values["ratio"] == ratio], published.get(ratio, {}), collapse, label
                )
            else:
                axes[1, place].set_visible(False)
        axes[0, -1].legend(fontsize=9, ncols=2)  # of both panels: HDR leaves room for it
        figure.suptitle(f"pairing sample, test split, {_what(group)}, {len(records)} seeds")
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


def ends(metrics: pd.DataFrame, column: str) -> dict[str, float]:
    """The values at the start and at the end."""
    measured = metrics[column].dropna().to_numpy(dtype=float)
    return {"at the start": measured[0], "at the end": measured[-1]}


def _what(group: RunGroup) -> str:
    """What is learned, and of images by which network."""
    if group.experiment == "grokking":
        return group.grokking.task.description
    return group.config_as(SupervisedConfig).label


def _test_size(group: RunGroup) -> int:
    if group.experiment == "grokking":
        return group.grokking.task.test_size
    return group.config_as(SupervisedConfig).task.test_size


def _published(group: RunGroup) -> dict[str, dict[str, float]]:
    if group.experiment != "grokking":
        return {}
    task = group.grokking.task
    return PUBLISHED if (task.operation, task.modulus, task.train_fraction) == ("add", 113, 0.3) else {}


def _at_collapse(group: RunGroup, ratio: str) -> float | None:
    """The value at neural collapse, which is where images may end."""
    if group.experiment == "grokking":
        return None
    num_classes = group.config_as(SupervisedConfig).task.num_classes
    return getattr(simplex_etf_interplay(num_classes), ratio).item()


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


def _draw_stages(
    axis: Axes, values: pd.DataFrame, published: dict[str, float], collapse: float | None, label: str
) -> None:
    for (stage, rows), colour in zip(values.groupby("stage", sort=False), STAGE_COLOURS, strict=False):
        axis.plot(rows["n"], rows["value"], ".", color=colour, alpha=0.5)
        medians = rows.groupby("n")["value"].median()
        axis.plot(medians.index, medians, color=colour, label=str(stage))
        if stage in published:
            axis.axhline(published[str(stage)], color=colour, linestyle=":")
    if published:
        axis.plot([], [], color=GREY, linestyle=":", label="published")
    if collapse is not None:
        axis.axhline(collapse, color=GREY, linestyle=":", label=f"at neural collapse ({collapse:.3g})")
    axis.set(xscale="log", ylim=(-0.03, 1.03), xlabel="number of samples n", ylabel=label)
    axis.legend(fontsize=9)
