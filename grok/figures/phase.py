"""Phase diagrams: the step of grokking and the final MIR, by weight decay and train fraction."""

from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from grok.columns import SAMPLE_MIR, TEST_ACCURACY
from grok.figures.drawing import Drawing, FigureKind
from grok.figures.records import RunGroup, Source, Study
from grok.figures.style import GREY, panels

ENOUGH = 3  # smallest number of values of each setting in a diagram
SETTINGS = ("optimiser.weight_decay", "task.train_fraction")
PANELS = ("grokked", "mir")


def draw_phase(study: Study) -> Drawing | None:
    """Draw a study in which weight decay and train fraction take at least three values each.

    The left panel shows the median step of grokking (`grok.analysis.events`) over the seeds that grokked, in cells in
    which at least half did. Each cell gives their number. The right panel shows the median over seeds of the final MIR
    (`sample` on the test split). A panel is left out if no run measured its values.
    """
    runs = pd.DataFrame([row for group in study.groups for row in _rows(group)])
    shown = [panel for panel in PANELS if runs[panel].notna().any()]
    if not shown:
        return None
    cells = runs.groupby(list(SETTINGS)).agg(
        seeds=("seed", "size"),
        grokked=("grokked", lambda grokked: grokked.sum(min_count=1)),
        step=("step", _median_of_most),
        mir=("mir", "median"),
    )
    example = study.groups[0].grokking
    figure, axes = panels(len(shown), across=len(shown), size=(6.0, 5.2), foot=0.04, sharex=False, sharey=False)
    for axis, panel in zip(axes, shown, strict=True):
        if panel == "grokked":
            _draw_cells(figure, axis, cells, "step", "step of grokking, median of the seeds that did", log=True)
            _write_counts(axis, cells)
            axis.set_title("time to grok; a cell: how many seeds did")
        else:
            _draw_cells(figure, axis, cells, "mir", "MIR at the end, median over seeds")
            axis.set_title(f"pairing sample, test split, n = {example.probes.sample_size}")
    what = [example.task.description, *(f"{key.rpartition('.')[2]} {value}" for key, value in study.part.items())]
    figure.suptitle(f"{', '.join(what)}, {int(cells['seeds'].max())} seeds a cell")
    return Drawing(name=study.file_name("phase"), figure=figure, table=cells.reset_index(), stamp=study.stamp)


def _rows(group: RunGroup) -> list[dict[str, Any]]:
    """Return one row per run from its summary; a value is NaN if it was not measured or the run did not grok."""
    rows = []
    for seed, summary in group.summaries.items():
        last = summary.get("last", {})
        step = summary["events"]["grokked"] if TEST_ACCURACY in last else None
        row = {name: group.settings[name] for name in SETTINGS} | {"seed": seed}
        row["grokked"] = float(step is not None) if TEST_ACCURACY in last else np.nan
        row["step"] = np.nan if step is None else float(step)
        rows.append(row | {"mir": last.get(SAMPLE_MIR, np.nan)})
    return rows


def _median_of_most(steps: pd.Series) -> float:
    """Return the median of the numbers; NaN if fewer than half of the values are numbers."""
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


def _write_counts(axis: Axes, cells: pd.DataFrame) -> None:
    """Write into each cell how many of its seeds grokked, if that was measured, dark on light or light on dark."""
    counts, seeds = (cells[name].unstack().to_numpy() for name in ("grokked", "seeds"))
    (image,) = axis.images
    shown = image.to_rgba(np.ma.masked_invalid(cells["step"].unstack().to_numpy(dtype=float)))
    for (row, column), count in np.ndenumerate(counts):
        if np.isfinite(count):
            light = shown[row, column, :3] @ (0.299, 0.587, 0.114) > 0.5 or shown[row, column, 3] < 1
            text = f"{count:.0f}/{seeds[row, column]:.0f}"
            axis.text(column, row, text, ha="center", va="center", fontsize=10, color="black" if light else "white")


def _diagrams(source: Source) -> list[Study]:
    """Return the studies, each split so that other settings vary only with weight decay and train fraction."""
    parts = [part for study in source.studies for part in study.parts(SETTINGS)]
    return [part for part in parts if all(len(part.varies(name)) >= ENOUGH for name in SETTINGS)]


PHASE = FigureKind(
    name="phase",
    about="a sweep over at least three weight decays and three train fractions",
    subjects=_diagrams,
    picture=draw_phase,
    needs={TEST_ACCURACY: "accuracy", SAMPLE_MIR: "sample"},
)
