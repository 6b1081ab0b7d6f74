"""Table 2: what a term of information in the loss does to standard training."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine

from grok.config import SupervisedConfig
from grok.figures.latex import write_latex
from grok.figures.markdown import table, write_markdown
from grok.figures.missing import not_drawn
from grok.figures.records import RunGroup, Study, part_name, studies
from grok.figures.style import GREY, shared_legend, styled, write_figure
from grok.figures.terms import (
    TERM,
    TERM_COLOURS,
    TITLES,
    WEIGHT,
    difference_cell,
    ends,
    mean_cell,
    measured,
    p_cells,
    paired,
    plain_group,
    title,
)

ACCURACY, MIR, HDR = "test/accuracy", "interplay/sample/test/mir", "interplay/sample/test/hdr"
COLLAPSE = {
    "collapse/test/nc1": "NC1",
    "collapse/test/nc2_simplex_means": "NC2 (simplex)",
    "collapse/test/nc3_self_duality": "NC3",
    "collapse/test/nc4_agreement": "NC4 (agreement)",
}
PANELS = {MIR: "MIR, sample", HDR: "HDR, sample", "collapse/test/nc1": "NC1"}
COLUMNS = [ACCURACY, MIR, HDR, "interplay/prototype/test/mir", "interplay/prototype/test/hdr", *COLLAPSE]
PUBLISHED = [
    {"term, weight": "published: CIFAR-10, either term, best", "accuracy, %": "95.57", "difference, points": "+0.22"},
    {"term, weight": "published: CIFAR-100, either term, best", "accuracy, %": "80.96", "difference, points": "+0.19"},
]
"""Song et al., Table 2: one run each, without a spread; 95.35 and 80.77 without a term."""


def draw_objectives(source: Path, target: Path) -> list[Path]:
    """Draw each study of standard training with and without a term of information, and write it as a table.

    Configs that differ in more than the term and its weight are in figures of their own.
    """
    parts = [part for study in studies(source, "supervised") for part in study.parts([TERM, WEIGHT])]
    return [
        path
        for settings, part in parts
        if len(part.groups) > 1 and plain_group(part.groups)
        for path in _draw_study(part, settings, target)
    ]


def _draw_study(study: Study, settings: Mapping[str, Any], folder: Path) -> list[Path]:
    of_runs = ends(study, COLUMNS)
    if of_runs[ACCURACY].isna().all():
        not_drawn("objectives", study.name, {ACCURACY: "accuracy"})
        return []
    plain = plain_group(study.groups)
    assert plain
    config = plain.config_as(SupervisedConfig)
    name = part_name("objectives", study, settings)
    panels = [column for column in PANELS if of_runs[column].notna().any()]
    with styled():
        figure = Figure(
            figsize=(4.0 * (1 + len(panels)) + 0.4, 4.6), layout=ConstrainedLayoutEngine(rect=(0, 0.04, 1, 0.96))
        )
        axes = list(figure.subplots(1, 1 + len(panels), squeeze=False).flat)
        _draw_differences(axes[0], of_runs, study, plain)
        for axis, column in zip(axes[1:], panels, strict=True):
            _draw_means(axis, of_runs, study, plain, column)
            axis.set(title=PANELS[column], ylabel="fraction" if column in (MIR, HDR) else "")
        for axis in axes:
            axis.set(xscale="log", xlabel="weight of the term")
        shared_legend(figure, columns=5)
        seeds = len(plain.runs)
        about = f"{config.label}, test split at the end, {seeds} seeds"
        figure.suptitle(f"{about}: means and 95 % intervals")
        written = write_figure(figure, of_runs, folder, name, stamp=study.stamp)
    rows = _rows(study, plain, of_runs)
    text = (
        f"{about}, batch size {config.batch_size}, n = {config.probes.sample_size} in `sample`: means ± half of the "
        "95 % interval (Student). Differences are paired by seed with training without a term; p is of the exact "
        f"sign-flip test, adjusted for {len(rows) - 1 - len(PUBLISHED)} comparisons (Holm)."
    )
    return [
        *written,
        write_markdown(folder, name, [table(rows), text]),
        write_latex(folder, name, rows, text),
    ]


def _rows(study: Study, plain: RunGroup, of_runs: pd.DataFrame) -> list[dict[str, str]]:
    """A row a term and weight, in their order, the one without first and the published ones last."""
    order = list(TITLES)
    others = sorted(
        (group for group in study.groups if group is not plain),
        key=lambda group: (order.index(group.settings[TERM]), group.settings[WEIGHT]),
    )
    differences = [paired(of_runs, group.name, plain.name, ACCURACY) for group in others]
    differs = [difference_cell(each, ".2f", times=100) for each in differences]
    shown = {MIR: "MIR, `sample`", HDR: "HDR, `sample`", COLUMNS[3]: "MIR, `prototype`"} | COLLAPSE
    rows = [
        {
            "term, weight": title(group.settings),
            "seeds": str(len(group.runs)),
            "accuracy, %": mean_cell(measured(of_runs, group.name, ACCURACY), ".2f", times=100),
            "difference, points": difference,
            "p": p,
        }
        | {heading: mean_cell(measured(of_runs, group.name, column), ".3f") for column, heading in shown.items()}
        for group, difference, p in zip([plain, *others], ["–", *differs], ["–", *p_cells(differences)], strict=True)
    ]
    return rows + [dict.fromkeys(rows[0], "–") | published for published in PUBLISHED]


def _draw_differences(axis: Axes, of_runs: pd.DataFrame, study: Study, plain: RunGroup) -> None:
    for term, groups in _by_term(study).items():
        found = [paired(of_runs, group.name, plain.name, ACCURACY) for group in groups]
        weights = [group.settings[WEIGHT] for group in groups]
        means = np.array([100 * each.mean for each in found])
        half = np.array([100 * (each.high - each.mean) for each in found])
        axis.errorbar(weights, means, half, fmt="o-", capsize=3, color=TERM_COLOURS[term], label=TITLES[term])
    axis.axhline(0, color=GREY, linestyle="--", label="without a term")
    axis.set(title="accuracy above training without", ylabel="percentage points")


def _draw_means(axis: Axes, of_runs: pd.DataFrame, study: Study, plain: RunGroup, column: str) -> None:
    for term, groups in _by_term(study).items():
        found = [measured(of_runs, group.name, column) for group in groups]
        weights = [group.settings[WEIGHT] for group in groups]
        means = np.array([each.mean for each in found])
        half = np.array([each.high - each.mean for each in found])
        axis.errorbar(weights, means, half, fmt="o-", capsize=3, color=TERM_COLOURS[term], label=TITLES[term])
    axis.axhline(measured(of_runs, plain.name, column).mean, color=GREY, linestyle="--", label="without a term")


def _by_term(study: Study) -> dict[str, list[RunGroup]]:
    """The groups of each term, by rising weight; terms of weight above 0 alone, which a logarithmic axis can show."""
    groups = [group for group in study.groups if group.settings[TERM] in TITLES and group.settings[WEIGHT] > 0]
    groups.sort(key=lambda group: group.settings[WEIGHT])
    found = {term: [group for group in groups if group.settings[TERM] == term] for term in TITLES}
    return {term: of_term for term, of_term in found.items() if of_term}
