"""Figures that are drawn from records alone, as matplotlib figures with the plotted tables or as files of both."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from tqdm import tqdm

from grok.experiment import experiments
from grok.figures.cost import COST
from grok.figures.drawing import Drawing, FigureKind
from grok.figures.records import runs_source, store_source
from grok.tracking import Run
from grok.tracking.store import REFERENCE


def figure_kinds() -> dict[str, FigureKind[Any]]:
    """Return every kind of figure by its name: those that the experiments have, and `cost`.

    Raises:
        ValueError: if two kinds have the same name.
    """
    found: dict[str, FigureKind[Any]] = {}
    of_experiments = [kind for experiment in experiments().values() for kind in experiment.figures()]
    for kind in (*of_experiments, COST):
        if found.setdefault(kind.name, kind) is not kind:
            raise ValueError(f"figures: expected a name that no other figure has, got {kind.name!r} twice")
    return found


def draw(name: str, runs: Iterable[Run]) -> list[Drawing]:
    """Draw one kind of figure from these runs, and return a drawing for each config or study that it can show.

    Each drawing has a matplotlib `figure` and the `table` of the values in it; `write` makes files of both. Only
    finished runs of experiments that have such a figure are drawn. They are grouped by their whole config.

    Raises:
        ValueError: if there is no figure of this name.
    """
    kinds = figure_kinds()
    if name not in kinds:
        raise ValueError(f"figure: expected one of {', '.join(kinds)}, got {name!r}")
    return list(kinds[name].drawings(runs_source(runs, _experiments_of(kinds[name]))))


def draw_figures(kinds: Sequence[FigureKind[Any]], runs: Path, plots: Path) -> list[Path]:
    """Draw these kinds of figures from the runs in `runs` and in `runs/reference`, and write their files.

    Figures of the reference records go to `plots/reference`, so that new runs never change the committed figures.

    Returns: every file written, in order.
    """
    written = []
    folders = ((runs / REFERENCE, plots / REFERENCE), (runs, plots))
    progress = tqdm(total=len(folders) * len(kinds), desc="figures", unit="figure", leave=False, disable=None)
    with progress:
        for store, target in folders:
            source = store_source(store, {name for kind in kinds for name in _experiments_of(kind)})
            for kind in kinds:
                for drawing in kind.drawings(source.of(_experiments_of(kind))):
                    written += drawing.write(target)
                progress.update()
    return written


def _experiments_of(kind: FigureKind[Any]) -> list[str]:
    """Return the names of the experiments that have this kind of figure."""
    return [name for name, experiment in experiments().items() if kind in experiment.figures()]


__all__ = ["Drawing", "FigureKind", "draw", "draw_figures", "figure_kinds"]
