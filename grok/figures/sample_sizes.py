"""MIR and HDR of the pairing `sample` by number of samples, beside the published curve, which does not give its n."""

import re
from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from grok.columns import RATIOS, TEST_ACCURACY, interplay
from grok.figures.bands import band
from grok.figures.drawing import Drawing, FigureKind
from grok.figures.records import RunGroup
from grok.figures.style import BLUE, GREEN, GREY, VERMILION, panels
from grok.information import simplex_etf_interplay

COLUMN = re.compile(interplay(r"sample-(\d+|all)", "test", f"({'|'.join(RATIOS)})"))

PAPER = {"operation": "add", "modulus": 113, "train_fraction": 0.3}
# Values of the one published run, read off Figure 7 of Song et al. 2024
PUBLISHED = {
    "mir": {"at the start": 0.47, "highest": 0.62, "lowest after it": 0.36},
    "hdr": {"lowest before the rise": 0.08, "peak at the rise": 0.49, "at the end": 0.12},
}
STAGE_COLOURS = (GREEN, VERMILION, BLUE)


def draw_sample_sizes(group: RunGroup) -> Drawing | None:
    """Draw the runs of a config that measured the `sample` pairing for many n (probe `sample_sizes`).

    The upper panels show MIR and HDR along training as medians over seeds, with one line per n. The lower panels show
    the values at the stages of training against n, with one dot per seed. The published values stand beside them if the
    task is that of the paper. For images, the value at neural collapse does, which does not depend on n.
    """
    names = group.runs[min(group.runs)].columns()
    columns = [name for name in names if COLUMN.fullmatch(name)]
    if not columns:
        return None
    records = group.metrics([TEST_ACCURACY, *columns])
    sizes = {column: _size(column, _task(group).test_size) for column in columns}
    values = pd.DataFrame(
        [
            {"seed": seed, "ratio": column.rpartition("/")[2], "n": sizes[column], "stage": stage, "value": value}
            for seed, metrics in records.items()
            for column in columns
            if column in metrics
            for stage, value in (stages if group.groks else ends)(metrics, column).items()
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
            _draw_stages(of_stages, of_ratio, _published(group, ratio), _at_collapse(group, ratio), label)
    axes[1].legend(fontsize=9, ncols=2)  # for both panels, since the HDR panel has room for it
    figure.suptitle(f"pairing sample, test split, {group.description}, {len(records)} seeds")
    return Drawing(name=f"sample-sizes-{group.name}", figure=figure, table=values, stamp=group.stamp)


def stages(metrics: pd.DataFrame, column: str) -> dict[str, float]:
    """Return the values that describe a curve, by stage, as the published curve is described.

    For MIR these are the value at step 0, the highest value, and the lowest one after it. For HDR they are the lowest
    value before test accuracy reaches 50 %, the highest one after that, and the last. HDR has none if test accuracy was
    not measured or never reached 50 %.
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
    """Return the first and the last value."""
    measured = metrics[column].dropna().to_numpy(dtype=float)
    return {"at the start": measured[0], "at the end": measured[-1]}


def _published(group: RunGroup, ratio: str) -> dict[str, float]:
    """Return the published values of the stages if the runs learn what the paper's run learned, and none otherwise."""
    learned = {name: group.settings.get(f"task.{name}") for name in PAPER}
    return PUBLISHED[ratio] if learned == PAPER else {}


def _at_collapse(group: RunGroup, ratio: str) -> float | None:
    """Return the ratio at neural collapse, or None for networks that grok, which end far from it."""
    if group.groks:
        return None
    return getattr(simplex_etf_interplay(_task(group).num_classes), ratio).item()


def _task(group: RunGroup) -> Any:
    """Return the settings of the data, which know their sizes whatever the experiment."""
    config: Any = group.config
    return config.task


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
