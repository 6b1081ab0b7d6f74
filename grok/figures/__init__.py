"""Figures, drawn from records alone: a matplotlib figure with the table that it shows, or files of both."""

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
    """Every kind of figure by its name: those that each experiment has, and `cost`.

    Raises:
        ValueError: two kinds have the same name.
    """
    found: dict[str, FigureKind[Any]] = {}
    of_experiments = [kind for experiment in experiments().values() for kind in experiment.figures()]
    for kind in (*of_experiments, COST):
        if found.setdefault(kind.name, kind) is not kind:
            raise ValueError(f"figures: expected a name that no other figure has, got {kind.name!r} twice")
    return found


def draw(name: str, runs: Iterable[Run]) -> list[Drawing]:
    """Draw a figure of these runs: one drawing for each config, or each study, that it can be drawn of.

    Each drawing has a matplotlib `figure` and the `table` of the values in it; `write` makes files of both. Only
    finished runs are drawn, grouped by their whole config, and only those of experiments that have such a figure.

    Raises:
        ValueError: there is no figure of this name.
    """
    kinds = figure_kinds()
    if name not in kinds:
        raise ValueError(f"figure: expected one of {', '.join(kinds)}, got {name!r}")
    return list(kinds[name].drawings(runs_source(runs, _experiments_of(kinds[name]))))


def draw_figures(kinds: Sequence[FigureKind[Any]], runs: Path, plots: Path) -> list[Path]:
    """Draw these kinds of figures from what is in `runs`, and in `runs/reference`, and write them.

    Figures of the reference records go to `plots/reference`, so that one's own runs never change what is committed.

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
    """The experiments whose runs it is drawn of."""
    return [name for name, experiment in experiments().items() if kind in experiment.figures()]


__all__ = ["Drawing", "FigureKind", "draw", "draw_figures", "figure_kinds"]
