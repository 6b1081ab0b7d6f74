"""Figures, drawn from records alone."""

import itertools
from collections.abc import Callable, Sequence
from pathlib import Path

from tqdm import tqdm

from grok.figures.comparison import draw_controls, draw_moduli, draw_operations
from grok.figures.connectivity import draw_connectivity
from grok.figures.cost import draw_cost
from grok.figures.figure7 import draw_figure7
from grok.figures.fourier_circuit import draw_fourier_circuit
from grok.figures.interventions import draw_interventions
from grok.figures.label_smoothing import draw_label_smoothing
from grok.figures.lead_time import draw_lead_time
from grok.figures.objectives import draw_objectives
from grok.figures.phase import draw_phase
from grok.figures.pruning import draw_pruning
from grok.figures.sample_sizes import draw_sample_sizes
from grok.figures.semi_supervised import draw_semi_supervised
from grok.figures.supervised import draw_supervised
from grok.tracking.store import REFERENCE

# name -> what draws the records of a source folder into a target folder, and returns the files written
FIGURES: dict[str, Callable[[Path, Path], list[Path]]] = {
    "figure7": draw_figure7,
    "supervised": draw_supervised,
    "label-smoothing": draw_label_smoothing,
    "connectivity": draw_connectivity,
    "pruning": draw_pruning,
    "sample-sizes": draw_sample_sizes,
    "operations": draw_operations,
    "moduli": draw_moduli,
    "controls": draw_controls,
    "lead-time": draw_lead_time,
    "phase": draw_phase,
    "fourier-circuit": draw_fourier_circuit,
    "objectives": draw_objectives,
    "semi-supervised": draw_semi_supervised,
    "interventions": draw_interventions,
    "cost": draw_cost,
}


def draw_figures(names: Sequence[str], runs: Path, plots: Path) -> list[Path]:
    """Draw the named figures from what is in `runs`, and in `runs/reference`.

    Figures of the reference records go to `plots/reference`, so that one's own runs never change what is committed.

    Returns: every file written, in order.
    """
    written = []
    wanted = list(itertools.product(((runs / REFERENCE, plots / REFERENCE), (runs, plots)), names))
    for folders, name in tqdm(wanted, desc="figures", unit="figure", leave=False, disable=None):  # in a terminal alone
        written += FIGURES[name](*folders)
    return written


__all__ = ["FIGURES", "draw_figures"]
