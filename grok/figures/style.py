"""The style of all figures: colours for colour-blind readers, and panels and legends that are readable at half size."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine

# the palette of Okabe and Ito
SKY, BLUE, GREEN, VERMILION, PURPLE, ORANGE = "#56B4E9", "#0072B2", "#009E73", "#D55E00", "#CC79A7", "#E69F00"
GREY = "#888888"

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
    "pdf.fonttype": 42,  # text in a PDF stays text, not outlines
    "savefig.dpi": 150,
}


@contextmanager
def styled() -> Iterator[None]:
    """Draw in this style within the context, and then restore the user's own."""
    with mpl.rc_context(SETTINGS):
        yield


def new_figure(width: float, height: float, *, foot: float) -> Figure:
    """Return an empty figure of this size in inches; the fraction `foot` at its bottom is left to the stamp."""
    return Figure(figsize=(width, height), layout=ConstrainedLayoutEngine(rect=(0, foot, 1, 1 - foot)))


def panels(
    count: int,
    *,
    across: int,
    size: tuple[float, float],
    more: tuple[float, float] = (0.0, 0.0),
    least_width: float = 0.0,
    foot: float = 0.03,
    xlabel: str = "",
    sharex: bool = True,
    sharey: bool = True,
) -> tuple[Figure, list[Axes]]:
    """Return a figure with `count` panels in rows of at most `across`; the lowest of each column has the x label.

    Each panel has this `size` in inches, and `more` is the width and height that the figure adds to its panels.
    """
    across = min(across, count)
    down = -(-count // across)
    figure = new_figure(max(size[0] * across + more[0], least_width), size[1] * down + more[1], foot=foot)
    axes = list(figure.subplots(down, across, sharex=sharex, sharey=sharey, squeeze=False).flat)
    for axis in axes[count:]:
        axis.set_visible(False)
    for axis in axes[max(count - across, 0) : count]:
        axis.set_xlabel(xlabel)
        axis.tick_params(labelbottom=True)
    return figure, axes[:count]


def shared_legend(figure: Figure, *, columns: int) -> None:
    """Draw one legend below all axes of a figure, with each label once."""
    handles = _each_label_once(figure.axes)
    figure.legend(handles.values(), handles.keys(), loc="outside lower center", ncols=columns)


def own_legend(axis: Axes) -> None:
    """Draw a legend in one panel, with each label once."""
    handles = _each_label_once([axis])
    axis.legend(handles.values(), handles.keys(), fontsize=10)


def _each_label_once(axes: Sequence[Axes]) -> dict[str, Any]:
    """Return the handle of each label: an artist, or a container of bars, which matplotlib's types leave out."""
    return {label: line for axis in axes for line, label in zip(*axis.get_legend_handles_labels(), strict=True)}
