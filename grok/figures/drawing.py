"""A figure as it is drawn, with its table; a kind of figure, with what it is drawn of; and how one is written."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Generic, TypeVar

import pandas as pd
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine

from grok.figures.records import RunGroup, Source, Study
from grok.figures.style import GREY, styled
from grok.tracking.notes import note

STAMP_WIDTH = 16  # characters of a stamp that fit in an inch

Subject = TypeVar("Subject", bound=RunGroup | Study | Path)


@dataclass(frozen=True, kw_only=True)
class Drawing:
    """A figure with the values that it shows."""

    name: str
    """The name of its files, without an ending."""
    figure: Figure
    """The figure, as matplotlib has it; pyplot does not know it."""
    table: pd.DataFrame
    """The values that are plotted."""
    stamp: str
    """The runs that it is drawn from, in a line."""
    tables: Mapping[str, pd.DataFrame] = field(default_factory=dict)
    """Further tables, by what their file names end with."""
    markdown: str = ""
    """The tables for a text to quote, if it has any."""
    latex: str = ""
    """The same for a paper, if it has any."""

    def write(self, folder: Path) -> list[Path]:
        """Write the figure as PNG and PDF, its tables as CSV, and its texts, all beside each other.

        The same records give the same bytes: no date is written into a file.

        Returns: the files written.
        """
        folder.mkdir(parents=True, exist_ok=True)
        png, pdf = (folder / f"{self.name}.{ending}" for ending in ("png", "pdf"))
        with styled():
            self.figure.savefig(png, metadata={"Software": None, "Description": self.stamp})
            self.figure.savefig(pdf, metadata={"CreationDate": None, "Subject": self.stamp})
        written = [png, pdf]
        for end, table in {"": self.table, **{f"-{end}": table for end, table in self.tables.items()}}.items():
            written.append(folder / f"{self.name}{end}.csv")
            table.to_csv(written[-1], index=False, float_format="%.6g")
        for ending, text in {"md": self.markdown, "tex": self.latex}.items():
            if text:
                written.append(folder / f"{self.name}.{ending}")
                written[-1].write_text(f"{text}\n", encoding="utf-8")
        return written


@dataclass(frozen=True, kw_only=True, eq=False)
class FigureKind(Generic[Subject]):
    """A kind of figure, such as Figure 7: what it is drawn of, and how.

    A new kind is a module with such an object, and an experiment that names it in `Experiment.figures`.
    """

    name: str
    """What the command line calls it, and what the names of its files begin with."""
    about: str
    """What it is drawn of, in a line for the list of figures; a config that stands alone is the only one of its sweep,
    or of no sweep."""
    subjects: Callable[[Source], Iterable[Subject]]
    """Finds in a source what it is drawn of, a figure each: the groups or studies that fit."""
    picture: Callable[[Subject], Drawing | None]
    """Draws one of them, in the style of `grok.figures.style`; None if its records have nothing to show."""
    needs: Mapping[str, str] = field(default_factory=dict)
    """Columns, any of which a picture needs, each with the probe that measures it. A message names them."""

    def drawings(self, source: Source) -> Iterator[Drawing]:
        """Draw everything in the source that it can be drawn of."""
        for subject in self.subjects(source):
            if drawing := self.draw(subject):
                yield drawing

    def draw(self, subject: Subject) -> Drawing | None:
        """Draw one subject, stamp the figure and lay it out; None, with a line on stderr, if there is nothing to show.

        Neither pyplot nor the user's own matplotlib settings are touched.
        """
        with styled():
            drawing = self.picture(subject)
            if drawing:
                _finish(drawing.figure, drawing.stamp)
        if drawing is None and self.needs:
            not_drawn(self.name, subject.name, self.needs)
        return drawing


def not_drawn(figure: str, name: str, missing: Mapping[str, str]) -> None:
    """Say in a line on stderr that a figure is not drawn of what is so named; `missing` is column -> its probe."""
    columns = " or ".join(f"{column} (probes.{probe})" for column, probe in missing.items())
    note(f"figure {figure} not drawn for {name}: its records have no {columns}")


def _finish(figure: Figure, stamp: str) -> None:
    """Stamp the figure with its source, as far as that fits, and fix its layout.

    The axes' places are rounded, because the solver's last digits differ from process to process.
    """
    layout = figure.get_layout_engine()
    assert isinstance(layout, ConstrainedLayoutEngine)
    most = int(figure.get_figwidth() * STAMP_WIDTH)
    shown = stamp if len(stamp) <= most else f"{stamp[: most - 1]}…"
    figure.text(0.995, 0.003, shown, ha="right", va="bottom", fontsize=7, color=GREY)
    FigureCanvasAgg(figure)
    figure.draw_without_rendering()
    figure.set_layout_engine("none")
    for legend in figure.legends:  # the solver left room for it in this rectangle, but it stands at the figure's edge
        legend.set_bbox_to_anchor(layout.get()["rect"])
    for axis in figure.axes:
        left, bottom, width, height = (round(edge, 4) for edge in axis.get_position().bounds)
        axis.set_position((left, bottom, width, height))
