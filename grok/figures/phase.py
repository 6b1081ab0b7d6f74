"""Phase diagrams: time to grok and final MIR by weight decay and train fraction."""

from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine

from grok.figures.records import RunGroup, Study, studies
from grok.figures.style import GREY, styled, write_figure

ENOUGH = 3  # values of each setting that make a diagram
MIR = "interplay/sample/test/mir"
SETTINGS = ("optimiser.weight_decay", "task.train_fraction")


def draw_phase(source: Path, target: Path) -> list[Path]:
    """Draw each study in which weight decay and train fraction take at least three values each.

    Left, the median over seeds of the step of grokking (`grok.analysis.events`), where at least half of
    the seeds came to that; a cell says how many did. Right, the median of MIR (`sample` on test) at the end.
    """
    wanted = [study for study in studies(source) if all(len(study.varies(name)) >= ENOUGH for name in SETTINGS)]
    return [path for study in wanted for path in _draw_study(study, target)]


def _draw_study(study: Study, folder: Path) -> list[Path]:
    runs = pd.DataFrame([row for group in study.groups for row in _rows(group)])
    cells = runs.groupby(list(SETTINGS)).agg(
        seeds=("seed", "size"), grokked=("grokked", "count"), step=("grokked", _median_of_most), mir=("mir", "median")
    )
    example = study.groups[0].grokking
    with styled():
        figure = Figure(figsize=(12, 5.2), layout=ConstrainedLayoutEngine(rect=(0, 0.04, 1, 0.96)))
        left, right = figure.subplots(1, 2)
        _draw_cells(figure, left, cells, "step", "step of grokking, median", log=True)
        _draw_cells(figure, right, cells, "mir", f"MIR at the end, median (n = {example.probes.sample_size})")
        counts = (cells["grokked"].astype(str) + "/" + cells["seeds"].astype(str)).unstack()
        for place, text in np.ndenumerate(counts):
            left.text(place[1], place[0], text, ha="center", va="center", fontsize=8)
        left.set_title("time to grok; a cell: how many seeds did")
        right.set_title("pairing sample, test split")
        figure.suptitle(f"{example.task.description}, {int(cells['seeds'].max())} seeds a cell")
        return write_figure(figure, cells.reset_index(), folder, f"phase-{study.name}", stamp=study.stamp)


def _rows(group: RunGroup) -> list[dict[str, Any]]:
    """By the runs' summaries, found in their whole records."""
    settings = {name: group.setting(name) for name in SETTINGS}
    summaries = {seed: run.manifest()["summary"] for seed, run in group.runs.items()}
    return [
        settings | {"seed": seed, "grokked": summary["events"]["grokked"], "mir": summary["last"][MIR]}
        for seed, summary in summaries.items()
    ]


def _median_of_most(steps: pd.Series) -> float:
    """The median where at least half are numbers."""
    return float(steps.median()) if steps.count() * 2 >= len(steps) else np.nan


def _draw_cells(figure: Figure, axis: Axes, cells: pd.DataFrame, column: str, label: str, *, log: bool = False) -> None:
    grid = cells[column].unstack()
    colours = mpl.colormaps["viridis_r"].with_extremes(bad=(*mpl.colors.to_rgb(GREY), 0.25))
    image = axis.imshow(
        grid,
        origin="lower",
        aspect="auto",
        cmap=colours,
        norm="log" if log and grid.notna().any(axis=None) else "linear",
    )
    axis.grid(visible=False)
    axis.set_xticks(range(grid.shape[1]), [f"{value:g}" for value in grid.columns])
    axis.set_yticks(range(grid.shape[0]), [f"{value:g}" for value in grid.index])
    axis.set(xlabel="train fraction", ylabel="weight decay")
    figure.colorbar(image, ax=axis, label=label)
