"""Table 2: standard training with and without an information loss."""

from collections.abc import Callable
from functools import partial

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import PercentFormatter

from grok.analysis.statistics import MeanInterval, PairedDifference
from grok.columns import NC1, NC3, PROTOTYPE_HDR, PROTOTYPE_MIR, SAMPLE_HDR, SAMPLE_MIR, TEST_ACCURACY, collapse
from grok.config import SupervisedConfig
from grok.figures.drawing import Drawing, FigureKind
from grok.figures.records import RunGroup, Source, Study
from grok.figures.style import GREY, panels, shared_legend
from grok.figures.tables import MISSING, latex_table, markdown_table, seeds_in_words
from grok.figures.terms import (
    PLAIN,
    TERM,
    TERM_COLOURS,
    TITLES,
    WEIGHT,
    difference_cell,
    ends,
    in_order,
    mean_cell,
    measured,
    p_cells,
    paired,
    title,
)

COLLAPSE = {
    NC1: "NC1",
    collapse("test", "nc2_simplex_means"): "NC2 (simplex)",
    NC3: "NC3",
    collapse("test", "nc4_agreement"): "NC4 (agreement)",
}
BESIDE = 1.08  # factor between the positions of two losses of the same weight
PANELS = {SAMPLE_MIR: "MIR, sample", SAMPLE_HDR: "HDR, sample", NC1: "NC1"}
IN_TABLE = {SAMPLE_MIR: "MIR, `sample`", SAMPLE_HDR: "HDR, `sample`", PROTOTYPE_MIR: "MIR, `prototype`"} | COLLAPSE
COLUMNS = [TEST_ACCURACY, SAMPLE_MIR, SAMPLE_HDR, PROTOTYPE_MIR, PROTOTYPE_HDR, *COLLAPSE]
PUBLISHED = [
    {"term, weight": "published: CIFAR-10, either term, best", "accuracy, %": "95.57", "difference, points": "+0.22"},
    {"term, weight": "published: CIFAR-100, either term, best", "accuracy, %": "80.96", "difference, points": "+0.19"},
]
"""Song et al., Table 2, without a number of seeds or a spread. Without these losses they report 95.35 and 80.77."""


def draw_objectives(study: Study) -> Drawing | None:
    """Draw a study of standard training with and without an information loss, and make a table of it.

    The plain config comes first in the study. The picture shows the weights above 0, and the table all of them.
    """
    of_runs = ends(study, COLUMNS)
    if of_runs[TEST_ACCURACY].isna().all():
        return None
    plain = study.groups[0]
    config = plain.config_as(SupervisedConfig)
    measures = [column for column in PANELS if of_runs[column].notna().any()]
    figure, axes = panels(
        1 + len(measures),
        across=1 + len(measures),
        size=(4.0, 4.6),
        more=(0.4, 0.0),
        foot=0.04,
        xlabel="weight (terms side by side)",
        sharex=False,
        sharey=False,
    )
    _draw_by_weight(axes[0], study, plain, partial(paired, of_runs, plain=plain.name, column=TEST_ACCURACY))
    axes[0].set(title="accuracy above training without", ylabel="percentage points")
    axes[0].yaxis.set_major_formatter(PercentFormatter(xmax=1, symbol=""))
    for axis, column in zip(axes[1:], measures, strict=True):
        _draw_by_weight(axis, study, plain, partial(measured, of_runs, column=column))
        axis.set(title=PANELS[column], ylabel="fraction" if column in (SAMPLE_MIR, SAMPLE_HDR) else "")
        if column not in (SAMPLE_MIR, SAMPLE_HDR):
            axis.set_yscale("log")
    for axis in axes:
        axis.set_xscale("log")
    shared_legend(figure, columns=5)
    about = f"{config.label}, test split at the end, {seeds_in_words(len(plain.runs))}"
    figure.suptitle(f"{about}: means and 95 % intervals")
    rows = _rows(study, plain, of_runs)
    text = (
        f"{about}, batch size {config.batch_size}, n = {config.probes.sample_size} in `sample`: means ± half of the "
        "95 % interval (Student). Differences are paired by seed with training without a term; p is of the exact "
        "sign-flip test, adjusted for all of the table (Holm). Published are single numbers, without seeds or spreads."
    )
    name = study.file_name("objectives")
    return Drawing(
        name=name,
        figure=figure,
        table=of_runs,
        stamp=study.stamp,
        markdown=f"{markdown_table(rows)}\n\n{text}",
        latex=latex_table(rows, text, name),
    )


def _rows(study: Study, plain: RunGroup, of_runs: pd.DataFrame) -> list[dict[str, str]]:
    """Return one row per information loss and weight; plain training is first, and the published rows are last."""
    differences = [paired(of_runs, group.name, plain.name, TEST_ACCURACY) for group in study.groups[1:]]
    differs = [MISSING, *(difference_cell(each, ".2f", times=100) for each in differences)]
    tested = [MISSING, *p_cells([each.p for each in differences])]
    rows = [
        {
            "term, weight": title(group.settings),
            "seeds": str(len(group.runs)),
            "accuracy, %": mean_cell(measured(of_runs, group.name, TEST_ACCURACY), ".2f", times=100),
            "difference, points": difference,
            "p": p,
        }
        | {heading: mean_cell(measured(of_runs, group.name, column), ".3f") for column, heading in IN_TABLE.items()}
        for group, difference, p in zip(study.groups, differs, tested, strict=True)
    ]
    return rows + [dict.fromkeys(rows[0], MISSING) | published for published in PUBLISHED]


def _draw_by_weight(
    axis: Axes, study: Study, plain: RunGroup, found: Callable[[str], MeanInterval | PairedDifference]
) -> None:
    """Draw what `found` gives for each config with its 95 % interval, one line per loss; plain training is dashed.

    The losses stand side by side, so that their intervals do not overlap.
    """
    for term, groups in _by_term(study).items():
        intervals = [found(group.name) for group in groups]
        beside = BESIDE ** (list(TITLES).index(term) - (len(TITLES) - 1) / 2)
        weights = [group.settings[WEIGHT] * beside for group in groups]
        means = [each.mean for each in intervals]
        half = [each.high - each.mean for each in intervals]
        axis.errorbar(weights, means, half, fmt="o-", capsize=3, color=TERM_COLOURS[term], label=TITLES[term])
    axis.axhline(found(plain.name).mean, color=GREY, linestyle="--", label="without a term")


def _by_term(study: Study) -> dict[str, list[RunGroup]]:
    """Return the groups of each loss with a weight above 0, which a logarithmic axis can show, by rising weight."""
    groups = [group for group in study.groups if group.settings[WEIGHT] > 0]
    found = {term: [group for group in groups if group.settings[TERM] == term] for term in TITLES}
    return {term: of_term for term, of_term in found.items() if of_term}


def _with_and_without(source: Source) -> list[Study]:
    """Return the studies, each split so that only the information loss and its weight vary within a figure."""
    parts = [part for study in source.studies for part in study.parts([TERM, WEIGHT], strictly=True)]
    return [in_order(part) for part in parts if PLAIN in part.varies(TERM) and len(part.groups) > 1]


OBJECTIVES = FigureKind(
    name="objectives",
    about="a sweep of standard training with and without an information loss",
    subjects=_with_and_without,
    picture=draw_objectives,
    needs={TEST_ACCURACY: "accuracy"},
)
