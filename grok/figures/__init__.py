"""Figures, drawn from records alone: a matplotlib figure with the table that it shows, or files of both."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from tqdm import tqdm

from grok.figures.comparison import CONTROLS, MODULI, OPERATIONS
from grok.figures.connectivity import CONNECTIVITY
from grok.figures.cost import COST
from grok.figures.drawing import Drawing, FigureKind
from grok.figures.figure7 import FIGURE7
from grok.figures.fourier_circuit import FOURIER_CIRCUIT
from grok.figures.interventions import INTERVENTIONS
from grok.figures.label_smoothing import LABEL_SMOOTHING
from grok.figures.lead_time import LEAD_TIME
from grok.figures.objectives import OBJECTIVES
from grok.figures.phase import PHASE
from grok.figures.pruning import PRUNING
from grok.figures.records import runs_source, store_source
from grok.figures.sample_sizes import SAMPLE_SIZES
from grok.figures.semi_supervised import SEMI_SUPERVISED
from grok.figures.supervised import SUPERVISED
from grok.tracking import Run
from grok.tracking.store import REFERENCE

DRAWN_OF: dict[FigureKind[Any], tuple[str, ...]] = {
    FIGURE7: ("grokking",),
    SUPERVISED: ("supervised",),
    LABEL_SMOOTHING: ("supervised",),
    CONNECTIVITY: ("connectivity",),
    PRUNING: ("pruning",),
    SAMPLE_SIZES: ("grokking", "supervised"),
    OPERATIONS: ("grokking",),
    MODULI: ("grokking",),
    CONTROLS: ("grokking",),
    LEAD_TIME: ("grokking",),
    PHASE: ("grokking",),
    FOURIER_CIRCUIT: ("grokking",),
    OBJECTIVES: ("supervised",),
    SEMI_SUPERVISED: ("semi-supervised",),
    INTERVENTIONS: ("grokking", "norm-matched"),
    COST: (),
}
"""Kind of figure -> the experiments whose runs it is drawn of."""

FIGURES = {kind.name: kind for kind in DRAWN_OF}
"""Each kind of figure by its name."""


def draw(name: str, runs: Iterable[Run]) -> list[Drawing]:
    """Draw a figure of these runs: one drawing for each config, or each study, that it can be drawn of.

    Each drawing has a matplotlib `figure` and the `table` of the values in it; `write` makes files of both. Only
    finished runs are drawn, grouped by their whole config, and only those of experiments that have such a figure.

    Raises:
        ValueError: there is no figure of this name.
    """
    if name not in FIGURES:
        raise ValueError(f"figure: expected one of {', '.join(FIGURES)}, got {name!r}")
    kind = FIGURES[name]
    return list(kind.drawings(runs_source(runs, DRAWN_OF[kind])))


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
            source = store_source(store, {name for kind in kinds for name in DRAWN_OF[kind]})
            for kind in kinds:
                for drawing in kind.drawings(source.of(DRAWN_OF[kind])):
                    written += drawing.write(target)
                progress.update()
    return written


__all__ = ["FIGURES", "Drawing", "FigureKind", "draw", "draw_figures"]
