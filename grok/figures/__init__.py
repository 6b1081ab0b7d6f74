"""Figures, drawn from records alone."""

from collections.abc import Callable, Sequence
from pathlib import Path

from grok.figures.figure7 import draw_figure7
from grok.figures.records import RunGroup, finished_groups

FIGURES: dict[str, Callable[[RunGroup, Path], list[Path]]] = {"figure7": draw_figure7}


def draw_figures(names: Sequence[str], runs: Path, plots: Path) -> list[Path]:
    """Draw the named figures from the finished runs in `runs`, and from those in `runs/reference`.

    Figures of the reference records go to `plots/reference`, so that one's own runs never change what is committed.

    Returns: every file written, in order.
    """
    written = []
    for source, target in ((runs / "reference", plots / "reference"), (runs, plots)):
        for group in finished_groups(source):
            for name in names:
                written += FIGURES[name](group, target)
    return written


__all__ = ["FIGURES", "RunGroup", "draw_figures", "finished_groups"]
