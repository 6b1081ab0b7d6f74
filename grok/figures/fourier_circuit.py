"""Measured MIR and HDR at the end of each run that grokked, against the closed form of the Fourier circuit."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
from matplotlib.axes import Axes

from grok.columns import PROTOTYPE_MIR, RATIOS, TEST_ACCURACY, interplay, theory
from grok.config import GrokkingConfig
from grok.figures.drawing import Drawing, FigureKind, not_drawn
from grok.figures.records import RunGroup, Source, Study
from grok.figures.style import BLUE, GREEN, GREY, PURPLE, VERMILION, panels, shared_legend
from grok.information import simplex_etf_interplay

GROKKED = 0.99
PAIRINGS = {"prototype": ("test",), "embedding": ()}  # each with the split in the names of its columns, if any
PROBES = {
    TEST_ACCURACY: "accuracy",
    theory("prototype", "mir"): "fourier",
    PROTOTYPE_MIR: "prototype",
    interplay("embedding", "mir"): "embedding",
}
COLOURS = (VERMILION, BLUE, GREEN, PURPLE)
MARKERS = "osv^D<>pPX*h"

Training = tuple[GrokkingConfig, int]
"""A config without its number of steps, and a seed."""


def draw_fourier_circuit(study: Study) -> Drawing | None:
    """Draw a dot for each run that measured both values and ended with a test accuracy of at least 99 %.

    The pairings that were measured are in rows, and MIR and HDR in columns. The closed form depends only on the power
    spectra of the two sets of vectors. The dots lie on the diagonal if the Gram matrices are circulant. Of runs that
    differ only in their largest number of steps, the longest has a dot.
    """
    allowed = sorted(study.groups, key=lambda group: group.grokking.steps)
    trainings = {training: rows for group in allowed for training, rows in _trainings(group)}
    rows = pd.DataFrame([row for of_training in trainings.values() for row in of_training])
    if rows.empty:
        _say_what_is_missing(study)
        return None
    measured = set(rows["pairing"])
    places = [(pairing, ratio) for pairing in PAIRINGS if pairing in measured for ratio in RATIOS]
    figure, axes = panels(len(places), across=len(RATIOS), size=(4.8, 4.8), more=(0.4, 1.2), sharex=False, sharey=False)
    for axis, (pairing, ratio) in zip(axes, places, strict=True):
        _draw_dots(axis, rows[(rows["pairing"] == pairing) & (rows["ratio"] == ratio)], pairing, ratio)
    shared_legend(figure, columns=4)
    sizes = ", ".join(map(str, sorted(rows["num_classes"].unique())))
    runs, configs = rows["run"].nunique(), rows["run"].str.partition("-seed")[0].nunique()
    figure.suptitle(f"{runs} grokked runs, at their last step, n = {sizes} classes")
    stamp = f"{runs} runs of {configs} configs in {Path(study.name).name}; ids in the CSV"
    return Drawing(name="fourier-circuit", figure=figure, table=rows, stamp=stamp)


def _draw_dots(axis: Axes, rows: pd.DataFrame, pairing: str, ratio: str) -> None:
    label = RATIOS[ratio]
    for place, (task, of_task) in enumerate(rows.groupby("task", sort=False)):
        axis.plot(
            of_task["closed_form"],
            of_task["measured"],
            MARKERS[place // len(COLOURS) % len(MARKERS)],
            color=COLOURS[place % len(COLOURS)],
            markersize=7,
            alpha=0.6,
            label=str(task),
        )
    axis.axline((0, 0), slope=1, color=GREY, linewidth=1)
    most = 1.05 * max(rows["measured"].max(), rows["closed_form"].max(), 1e-3)
    if ratio == "mir":
        collapse = simplex_etf_interplay(int(rows["num_classes"].max())).mir.item()
        axis.axhline(collapse, color=GREY, linestyle=":", label=f"neural collapse ({collapse:.3f})")
        most = 1.05
    largest = (rows["measured"] - rows["closed_form"]).abs().max()
    axis.set_title(f"{pairing}, {label}: largest deviation {largest:.3f}")
    axis.set(xlim=(-0.03 * most, most), ylim=(-0.03 * most, most), aspect="equal")
    axis.locator_params(nbins=6)
    axis.set(xlabel=f"{label} of the closed form", ylabel=f"{label} measured")


def _trainings(group: RunGroup) -> Iterator[tuple[Training, list[dict[str, Any]]]]:
    values = [
        (pairing, ratio, interplay(pairing, *split, ratio), theory(pairing, ratio))
        for pairing, split in PAIRINGS.items()
        for ratio in RATIOS
    ]
    wanted = [column for _, _, *columns in values for column in columns]
    endless = replace(group.grokking, steps=0, settle=None)
    for seed, metrics in group.metrics([TEST_ACCURACY, *wanted]).items():
        if TEST_ACCURACY not in metrics:
            continue
        last = metrics.iloc[-1]  # every probe measures the last step of a run
        if not last[TEST_ACCURACY] >= GROKKED:
            continue
        of_run = {
            "run": group.runs[seed].id,
            "task": group.grokking.task.description,
            "num_classes": group.grokking.task.num_elements,
        }
        rows = [
            {**of_run, "pairing": pairing, "ratio": ratio, "closed_form": last[closed_form], "measured": last[measured]}
            for pairing, ratio, measured, closed_form in values
            if measured in last and closed_form in last
        ]
        yield (endless, seed), rows


def _say_what_is_missing(study: Study) -> None:
    """Name the columns that no run measured; if there are none, no run has grokked, and nothing is said."""
    measured = {column for group in study.groups for run in group.runs.values() for column in run.columns()}
    missing = {column: probe for column, probe in PROBES.items() if column not in measured}
    if missing:
        not_drawn("fourier-circuit", study.name, missing)


def _all_together(source: Source) -> list[Study]:
    return [Study(name=str(source.folder), groups=source.groups)] if source.groups else []


FOURIER_CIRCUIT = FigureKind(
    name="fourier-circuit",
    about="all runs that grokked and measured probes.fourier",
    subjects=_all_together,
    picture=draw_fourier_circuit,
)
