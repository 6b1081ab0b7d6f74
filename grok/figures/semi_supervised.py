"""Table 1: training on few labels and many unlabelled samples, with and without an information loss."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from grok.columns import NC1, NC3, SAMPLE_HDR, SAMPLE_MIR, TEST_ACCURACY
from grok.config import SemiSupervisedConfig
from grok.figures.drawing import Drawing, FigureKind
from grok.figures.records import RunGroup, Source, Study
from grok.figures.style import BLUE, GREY, panels
from grok.figures.tables import MISSING, latex_table, markdown_table, seeds_in_words
from grok.figures.terms import (
    PLAIN,
    TERM,
    WEIGHT,
    by_term_and_weight,
    difference_cell,
    ends,
    mean_cell,
    measured,
    p_cells,
    paired,
    title,
)

METHOD, LABELS = "method", "labels_per_class"
METHODS = {"supervised": "labels alone", "fixmatch": "FixMatch", "freematch": "FreeMatch"}
ERROR = "test error"
MEASURES = {
    SAMPLE_MIR: "MIR, `sample`",
    SAMPLE_HDR: "HDR, `sample`",
    NC1: "NC1",
    NC3: "NC3",
    "pseudo_labels/used": "pseudo-labels used",
    "pseudo_labels/accuracy": "of those right",
}
PUBLISHED = [
    {"method": "published: STL-10, 40 labels, FreeMatch + one term", "error, %": "16.61"},
    {"method": "published: STL-10, 40 labels, FreeMatch + the other", "error, %": "14.93"},
    {"method": "published: STL-10, 40 labels, OTMatch", "error, %": "12.10"},
]
"""Song et al., Table 1, without code, seeds or spreads; they say that plain FreeMatch is worse than either."""


def draw_semi_supervised(study: Study) -> Drawing | None:
    """Draw a study of semi-supervised training by method, information loss and label count, and make a table of it."""
    of_runs = ends(study, [TEST_ACCURACY, *MEASURES], settings=(METHOD, LABELS))
    if of_runs[TEST_ACCURACY].isna().all():
        return None
    of_runs[ERROR] = 1 - of_runs[TEST_ACCURACY]
    config = study.groups[0].config_as(SemiSupervisedConfig)
    counts = study.varies(LABELS)
    by_count = {count: [group for group in study.groups if group.settings[LABELS] == count] for count in counts}
    about = f"{config.task.dataset}, {config.model.label}, test split at the end, {seeds_in_words(study.seeds)}"
    tallest = max(len(groups) for groups in by_count.values())
    figure, axes = panels(
        len(counts),
        across=len(counts),
        size=(4.4, 0.38 * tallest),
        more=(1.6, 2.5),
        least_width=9.0,
        foot=0.05,
        xlabel="test error (%)",
        sharex=False,
        sharey=False,
    )
    for axis, (count, groups) in zip(axes, by_count.items(), strict=True):
        _draw_errors(axis, groups, of_runs)
        axis.set_title(f"{count} labels a class")
    dashed = "; dashed: FreeMatch" if any(map(_freematch, by_count.values())) else ""
    figure.suptitle(f"{about}\nstrokes: seeds; dots: their means, with 95 % intervals{dashed}")
    text = (
        f"{about}, batches of {config.batch_size} labelled and {config.batch_size * config.unlabelled_ratio} "
        f"unlabelled samples, {config.steps:,} steps: means ± half of the 95 % interval (Student). Differences are "
        "paired by seed with FreeMatch of as many labels; p is of the exact sign-flip test, adjusted for the "
        "comparisons of as many labels (Holm). What is measured is the moving average of the network. Published are "
        "single numbers, without seeds or spreads."
    )
    rows = [row for count, groups in by_count.items() for row in _rows(groups, count, of_runs)]
    rows += [dict.fromkeys(rows[0], MISSING) | published for published in PUBLISHED]
    name = study.file_name("semi-supervised")
    return Drawing(
        name=name,
        figure=figure,
        table=of_runs,
        stamp=study.stamp,
        markdown=f"{markdown_table(rows)}\n\n{text}",
        latex=latex_table(rows, text, name),
    )


def _draw_errors(axis: Axes, groups: Sequence[RunGroup], of_runs: pd.DataFrame) -> None:
    """Draw for each method the error of each seed and their mean with its interval; the mean of FreeMatch is dashed."""
    for place, group in enumerate(reversed(groups)):
        errors = 100 * of_runs.loc[of_runs["config"] == group.name, ERROR]
        interval = measured(of_runs, group.name, ERROR)
        axis.plot(errors, np.full(len(errors), place), "|", color=BLUE, markersize=11, alpha=0.6)
        half = 100 * (interval.high - interval.mean)
        axis.errorbar(100 * interval.mean, place, xerr=half, fmt="o", color=BLUE)
    base = _freematch(groups)
    if base:
        axis.axvline(100 * measured(of_runs, base.name, ERROR).mean, color=GREY, linestyle="--")
    axis.set_yticks(range(len(groups)), [_title(group) for group in reversed(groups)])


def _rows(groups: Sequence[RunGroup], count: int, of_runs: pd.DataFrame) -> list[dict[str, str]]:
    """Return one row per method and information loss, for one label count."""
    base = _freematch(groups)
    others = [group for group in groups if base and group is not base]
    differences = [paired(of_runs, group.name, base.name, ERROR) for group in others] if base else []
    tested = p_cells([each.p for each in differences])
    cells = {
        group.name: (difference_cell(difference, ".2f", times=100), p)
        for group, difference, p in zip(others, differences, tested, strict=True)
    }
    rows = []
    for group in groups:
        difference, p = cells.get(group.name, (MISSING, MISSING))
        rows.append(
            {
                "method": _title(group),
                "labels a class": str(count),
                "seeds": str(len(group.runs)),
                "error, %": mean_cell(measured(of_runs, group.name, ERROR), ".2f", times=100),
                "difference, points": difference,
                "p": p,
            }
            | {heading: mean_cell(measured(of_runs, group.name, column), ".3f") for column, heading in MEASURES.items()}
        )
    return rows


def _freematch(groups: Sequence[RunGroup]) -> RunGroup | None:
    """Return the group of plain FreeMatch; None if there is none."""
    return next((g for g in groups if g.settings[METHOD] == "freematch" and g.settings[TERM] == PLAIN), None)


def _in_order(study: Study) -> Study:
    """Return the study with its groups sorted by label count, then information loss, rising weight and method."""
    methods = list(METHODS)

    def place(group: RunGroup) -> tuple[Any, ...]:
        return group.settings[LABELS], *by_term_and_weight(group), methods.index(group.settings[METHOD])

    return replace(study, groups=sorted(study.groups, key=place))


def _title(group: RunGroup) -> str:
    method = METHODS[group.settings[METHOD]]
    return method if group.settings[TERM] == PLAIN else f"{method} + {title(group.settings)}"


def _comparisons(source: Source) -> list[Study]:
    """Return the studies, each split so that only method, information loss, weight and label count vary."""
    varied = [METHOD, TERM, WEIGHT, LABELS]
    parts = [part for study in source.studies for part in study.parts(varied, strictly=True)]
    return [_in_order(part) for part in parts if len(part.groups) > 1]


SEMI_SUPERVISED = FigureKind(
    name="semi-supervised",
    about="a sweep of semi-supervised training over methods, losses or label counts",
    subjects=_comparisons,
    picture=draw_semi_supervised,
    needs={TEST_ACCURACY: "accuracy"},
)
