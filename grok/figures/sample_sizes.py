"""What the number of samples does to the `sample` pairing, beside the published curve, which does not name it."""

import re

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from grok.columns import RATIOS, TEST_ACCURACY, interplay
from grok.config import TaskConfig
from grok.figures.bands import band
from grok.figures.drawing import Drawing, FigureKind
from grok.figures.records import RunGroup, Settings
from grok.figures.style import BLUE, GREEN, GREY, VERMILION, panels
from grok.information import simplex_etf_interplay

COLUMN = re.compile(interplay(r"sample-(\d+|all)", "test", f"({'|'.join(RATIOS)})"))

# The one published run, read off Figure 7 of Song et al. 2024: a + b mod 113, 30 % train
PUBLISHED = {
    "mir": {"at the start": 0.47, "highest": 0.62, "lowest after it": 0.36},
    "hdr": {"lowest before the rise": 0.08, "peak at the rise": 0.49, "at the end": 0.12},
}
STAGE_COLOURS = (GREEN, VERMILION, BLUE)


def draw_sample_sizes(group: RunGroup) -> Drawing | None:
    """Draw the runs of a config that measured the `sample` pairing for many n (probe `sample_sizes`).

    Above, MIR and HDR along training, medians over seeds, a line an n. Below, the values of their stages against n,
    each with all seeds as dots. Beside them are the published ones where the task is that of the paper, and, of images,
    those at neural collapse, which n does not move.
    """
    names = group.runs[min(group.runs)].columns()
    columns = [name for name in names if COLUMN.fullmatch(name)]
    if not columns:
        return None
    records = group.metrics([TEST_ACCURACY, *columns])
    sizes = {column: _size(column, group.config.task.test_size) for column in columns}
    delayed = isinstance(group.config.task, TaskConfig)  # on an operation, generalisation comes late and in stages
    values = pd.DataFrame(
        [
            {"seed": seed, "ratio": column.rpartition("/")[2], "n": sizes[column], "stage": stage, "value": value}
            for seed, metrics in records.items()
            for column in columns
            if column in metrics
            for stage, value in (stages if delayed else ends)(metrics, column).items()
        ],
        columns=["seed", "ratio", "n", "stage", "value"],
    )
    figure, axes = panels(4, across=2, size=(5.75, 4.5), sharex=False, sharey=False)
    for curves, of_stages, (ratio, label) in zip(axes[:2], axes[2:], RATIOS.items(), strict=True):
        _draw_curves(curves, records, [name for name in columns if name.endswith(ratio)], sizes, label)
        of_ratio = values[values["ratio"] == ratio]
        if of_ratio.empty:
            of_stages.set_visible(False)
        else:
            _draw_stages(of_stages, of_ratio, _published(group.config, ratio), _at_collapse(group.config, ratio), label)
    axes[1].legend(fontsize=9, ncols=2)  # of both panels: HDR leaves room for it
    figure.suptitle(f"pairing sample, test split, {group.description}, {len(records)} seeds")
    return Drawing(name=f"sample-sizes-{group.name}", figure=figure, table=values, stamp=group.stamp)


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
    risen = metrics.index[metrics[TEST_ACCURACY] >= 0.5] if TEST_ACCURACY in metrics else metrics.index[:0]
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


def _published(config: Settings, ratio: str) -> dict[str, float]:
    """The published values of the stages, if the task is that of the paper."""
    task = config.task
    if not isinstance(task, TaskConfig) or (task.operation, task.modulus, task.train_fraction) != ("add", 113, 0.3):
        return {}
    return PUBLISHED[ratio]


def _at_collapse(config: Settings, ratio: str) -> float | None:
    """The value at neural collapse, which is where images may end."""
    if isinstance(config.task, TaskConfig):
        return None
    return getattr(simplex_etf_interplay(config.task.num_classes), ratio).item()


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


SAMPLE_SIZES = FigureKind(
    name="sample-sizes",
    about="each config that measured probes.sample-sizes",
    subjects=lambda source: source.groups,
    picture=draw_sample_sizes,
)
"""Every config that measured the `sample` pairing for many n."""
