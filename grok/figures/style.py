"""The look of every figure: colour-blind-safe, readable at half size, vector and PNG, stamped with its source."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import matplotlib as mpl
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine

# Okabe & Ito's palette
SKY, BLUE, GREEN, VERMILION, PURPLE, ORANGE = "#56B4E9", "#0072B2", "#009E73", "#D55E00", "#CC79A7", "#E69F00"
GREY = "#888888"

STAMP_WIDTH = 16  # characters of a stamp that fit in an inch

SETTINGS: Any = {
    "font.size": 12,
    "axes.titlesize": 12,
    "axes.labelsize": 12,
    "legend.fontsize": 11,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.alpha": 0.25,
    "lines.linewidth": 1.8,
    "legend.frameon": False,
    "pdf.fonttype": 42,  # text stays text
    "savefig.dpi": 150,
}


@contextmanager
def styled() -> Iterator[None]:
    """Draw in this style, and leave the user's own as it was."""
    with mpl.rc_context(SETTINGS):
        yield


def shared_legend(figure: Figure, *, columns: int) -> None:
    """One legend below all axes of a figure, each label once."""
    handles = _each_label_once(figure.axes)
    figure.legend(handles.values(), handles.keys(), loc="outside lower center", ncols=columns)


def own_legend(axis: Axes) -> None:
    """A legend in one panel, each label once."""
    handles = _each_label_once([axis])
    axis.legend(handles.values(), handles.keys(), fontsize=10)


def _each_label_once(axes: Sequence[Axes]) -> dict[str, Any]:
    """Label and handle: an artist, or a container of bars, which matplotlib's types leave out."""
    return {label: line for axis in axes for line, label in zip(*axis.get_legend_handles_labels(), strict=True)}


def _settle_layout(figure: Figure) -> None:
    """Lay the figure out once and round the axes' places: the solver's last digits differ from process to process."""
    layout = figure.get_layout_engine()
    assert isinstance(layout, ConstrainedLayoutEngine)
    figure.draw_without_rendering()
    figure.set_layout_engine("none")
    for legend in figure.legends:  # the solver left room for it in this rectangle, but it stands at the figure's edge
        legend.set_bbox_to_anchor(layout.get()["rect"])
    for axis in figure.axes:
        left, bottom, width, height = (round(edge, 4) for edge in axis.get_position().bounds)
        axis.set_position((left, bottom, width, height))


def write_figure(figure: Figure, plotted: pd.DataFrame, folder: Path, name: str, *, stamp: str) -> list[Path]:
    """Stamp the figure with its source and write it as PNG and PDF, with the plotted values as CSV beside them.

    A stamp too long for the picture is whole in the description of the files. The same records give the same bytes: no
    date is written into a file.
    """
    folder.mkdir(parents=True, exist_ok=True)
    most = int(figure.get_figwidth() * STAMP_WIDTH)
    shown = stamp if len(stamp) <= most else f"{stamp[: most - 1]}…"
    figure.text(0.995, 0.003, shown, ha="right", va="bottom", fontsize=7, color=GREY)
    FigureCanvasAgg(figure)
    _settle_layout(figure)
    png, pdf, csv = (folder / f"{name}.{ending}" for ending in ("png", "pdf", "csv"))
    figure.savefig(png, metadata={"Software": None, "Description": stamp})
    figure.savefig(pdf, metadata={"CreationDate": None, "Subject": stamp})
    plotted.to_csv(csv, index=False, float_format="%.6g")
    return [png, pdf, csv]
