"""A drawn figure with its table and how its files are written, and a kind of figure."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Generic, TypeVar

import pandas as pd
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine

from grok.figures.records import RunGroup, Source, Study
from grok.figures.style import GREY, styled
from grok.tracking.files import write_atomically
from grok.tracking.notes import note

STAMP_WIDTH = 16  # number of characters of a stamp that fit in an inch

Subject = TypeVar("Subject", bound=RunGroup | Study | Path)


@dataclass(frozen=True, kw_only=True)
class Drawing:
    """A figure with the values that it shows."""

    name: str
    """Name of its files, without an ending."""
    figure: Figure
    """The matplotlib figure, which is not registered with pyplot."""
    table: pd.DataFrame
    """The values that are plotted."""
    stamp: str
    """A line that names the runs behind the figure."""
    tables: Mapping[str, pd.DataFrame] = field(default_factory=dict)
    """Further tables, by the ending of their file names."""
    markdown: str = ""
    """Tables and their captions in Markdown, for a text to quote; empty if there are none."""
    latex: str = ""
    """Tables and their captions in LaTeX, for a paper; empty if there are none."""

    def write(self, folder: Path) -> list[Path]:
        """Write the figure as PNG and PDF, its tables as CSV, and its Markdown and LaTeX, all in one folder.

        The same records give the same bytes, because no date is written into a file. Each file is written whole or not
        at all.

        Returns: the files written.
        """
        folder.mkdir(parents=True, exist_ok=True)
        files: dict[str, Callable[[Path], object]] = {
            ".png": partial(self._save, form="png", metadata={"Software": None, "Description": self.stamp}),
            ".pdf": partial(self._save, form="pdf", metadata={"CreationDate": None, "Subject": self.stamp}),
        }
        for end, table in {"": self.table, **{f"-{end}": table for end, table in self.tables.items()}}.items():
            files[f"{end}.csv"] = partial(table.to_csv, index=False, float_format="%.6g")
        for ending, text in {"md": self.markdown, "tex": self.latex}.items():
            if text:
                files[f".{ending}"] = partial(Path.write_text, data=f"{text}\n", encoding="utf-8")
        written = {folder / f"{self.name}{end}": write for end, write in files.items()}
        for path, write in written.items():
            write_atomically(path, write)
        return list(written)

    def _save(self, path: Path, *, form: str, metadata: dict[str, str | None]) -> None:
        with styled():
            self.figure.savefig(path, format=form, metadata=metadata)


@dataclass(frozen=True, kw_only=True, eq=False)
class FigureKind(Generic[Subject]):
    """A kind of figure, such as Figure 7, which knows what to draw and how.

    To add a kind, make such an object in a module of its own and return it from `Experiment.figures`.
    """

    name: str
    """Name on the command line; the names of the files begin with it."""
    about: str
    """What each figure shows, as a line for the list of figures. A config stands alone if it is the only one of its
    sweep, or if no sweep asked for it."""
    subjects: Callable[[Source], Iterable[Subject]]
    """Finds the groups or studies in a source that can be drawn, one figure each."""
    picture: Callable[[Subject], Drawing | None]
    """Draws one of them in the style of `grok.figures.style`; returns None if its records have nothing to show."""
    needs: Mapping[str, str] = field(default_factory=dict)
    """Columns of which a picture needs at least one, each with the probe that measures it; a message names them."""

    def drawings(self, source: Source) -> Iterator[Drawing]:
        """Draw every subject that the source has."""
        for subject in self.subjects(source):
            if drawing := self.draw(subject):
                yield drawing

    def draw(self, subject: Subject) -> Drawing | None:
        """Draw one subject, stamp the figure and lay it out; None, with a line on stderr, means nothing can be shown.

        The state of pyplot and the user's own matplotlib settings do not change.
        """
        with styled():
            drawing = self.picture(subject)
            if drawing:
                _finish(drawing.figure, drawing.stamp)
        if drawing is None and self.needs:
            not_drawn(self.name, subject.name, self.needs)
        return drawing


def not_drawn(figure: str, name: str, missing: Mapping[str, str]) -> None:
    """Say on stderr that a figure is not drawn for `name`; `missing` has each missing column with its probe."""
    columns = " or ".join(f"{column} (probes.{probe})" for column, probe in missing.items())
    note(f"figure {figure} not drawn for {name}: its records have no {columns}")


def _finish(figure: Figure, stamp: str) -> None:
    """Stamp the figure with the part of its source that fits, and fix its layout.

    The positions of the axes are rounded, because the last digits of the solver differ between processes.
    """
    layout = figure.get_layout_engine()
    assert isinstance(layout, ConstrainedLayoutEngine)
    most = int(figure.get_figwidth() * STAMP_WIDTH)
    shown = stamp if len(stamp) <= most else f"{stamp[: most - 1]}…"
    figure.text(0.995, 0.003, shown, ha="right", va="bottom", fontsize=7, color=GREY)
    FigureCanvasAgg(figure)
    figure.draw_without_rendering()
    figure.set_layout_engine("none")
    for legend in figure.legends:  # the solver reserved this rectangle, but put the legend at the figure's edge
        legend.set_bbox_to_anchor(layout.get()["rect"])
    for axis in figure.axes:
        left, bottom, width, height = (round(edge, 4) for edge in axis.get_position().bounds)
        axis.set_position((left, bottom, width, height))
