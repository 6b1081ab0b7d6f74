"""The step of grokking with and without an information loss, under other training rules, and in norm-matched twins."""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import PercentFormatter

from grok.analysis.comparison import Outcomes, compare, outcomes
from grok.analysis.statistics import mean_interval
from grok.columns import TEST_ACCURACY, WEIGHT_NORM, swapped
from grok.config import GrokkingConfig, NormMatchedConfig, TransformerTrainingConfig
from grok.figures.drawing import Drawing, FigureKind
from grok.figures.records import RunGroup, Source, Study
from grok.figures.style import BLUE, GREY, ORANGE, new_figure
from grok.figures.tables import MISSING, latex_table, markdown_table, seeds_in_words
from grok.figures.terms import PLAIN, TERM, WEIGHT, difference_cell, in_order, mean_cell, p_cells
from grok.figures.terms import title as term_title

SAMPLES = "information.samples"
RULES: dict[str, Callable[[Any], str]] = {
    "optimiser.weight_decay": "weight decay {:g}".format,
    "optimiser.grokfast": "Grokfast {:g}".format,
    "optimiser.fixed_norm": lambda fixed: "fixed norm" if fixed else "free norm",
}
"""Settings other than the information loss that may move grokking, each with the words for a value."""
SWAPPED = {swapped("seen"): "(b, a) trained, %", swapped("unseen"): "the others, %"}
"""Columns of the accuracy on two kinds of test pairs (a, b), with their headings."""
ENDS = [WEIGHT_NORM, *SWAPPED]
VARIED = [TERM, WEIGHT, SAMPLES, *RULES]
NEVER = "never"


@dataclass(frozen=True, kw_only=True)
class Line:
    """The outcomes of one kind of training over seeds, and the kind with which it is compared, if any."""

    title: str
    outcomes: Outcomes
    ends: dict[str, dict[int, float]]
    """The values of the columns `ENDS` at the end of each run, by column and seed, if they were measured."""
    against: str | None
    twin: bool = False


def draw_interventions(study: Study) -> Drawing | None:
    """Draw a study of grokking with and without an information loss, or of norm-matched twins, with a table.

    Each training is compared seed by seed with its twin, or in a study without twins with the plain training.
    """
    lines = _measured(_lines(study))
    if not lines:
        return None
    about = study.groups[0].config_as(TransformerTrainingConfig)
    figure = new_figure(12.0, 0.34 * len(lines) + 2.0, foot=0.05)
    steps, accuracy = figure.subplots(1, 2, sharey=True, width_ratios=(2, 1))
    for place, line in enumerate(reversed(lines)):
        _draw_steps(steps, line, place, budget=about.steps)
        _draw_accuracies(accuracy, line, place)
    dashed = lines[0].against is None and math.isfinite(lines[0].outcomes.median)
    if dashed:
        steps.axvline(lines[0].outcomes.median, color=GREY, linestyle="--")
    steps.set_yticks(range(len(lines)), [line.title for line in reversed(lines)])
    steps.xaxis.set_major_formatter("{x:,.0f}")
    steps.set(xlabel=f"step at which it grokked; crosses: how many had not by step {about.steps:,}")
    steps.set(xlim=(0, about.steps * 1.14), ylim=(-0.6, len(lines) - 0.4))
    accuracy.set(xlabel="test accuracy at the end", xlim=(-0.03, 1.03))
    accuracy.xaxis.set_major_formatter(PercentFormatter(xmax=1))
    of_plain = f"; dashed: {lines[0].title}" if dashed else ""
    figure.suptitle(f"{about.label}, {seeds_in_words(study.seeds)}: a stroke a seed, and their median{of_plain}")
    rows = _rows(lines)
    text = _caption(about, study.seeds, rows)
    name = study.file_name("interventions")
    return Drawing(
        name=name,
        figure=figure,
        table=_plotted(lines),
        stamp=study.stamp,
        markdown=f"{markdown_table(rows)}\n\n{text}",
        latex=latex_table(rows, text, name),
    )


def _lines(study: Study) -> list[Line]:
    """Return the trainings of a study, each with the one that it is compared with; empty if nothing can be compared."""
    with_twins = any(isinstance(group.config, NormMatchedConfig) for group in study.groups)
    return (_beside_twins if with_twins else _beside_plain)(in_order(study))


def _measured(lines: Sequence[Line]) -> list[Line]:
    """Return the trainings that have test accuracy, if their comparisons have it too; empty if none is compared."""
    titles = {line.title for line in lines if line.outcomes.steps}
    kept = [line for line in lines if line.title in titles and (line.against is None or line.against in titles)]
    return kept if any(line.against for line in kept) else []


def _beside_plain(study: Study) -> list[Line]:
    """Return the plain training and the others, which are compared with it; empty if there is no plain one."""
    plain = _plain(study)
    if not plain:
        return []
    others = [group for group in study.groups if group is not plain]
    titles = {group.name: _title(group, study, plain) for group in (plain, *others)}
    return [
        _line(titles[group.name], group.summaries, against=None if group is plain else titles[plain.name])
        for group in (plain, *others)
    ]


def _beside_twins(study: Study) -> list[Line]:
    """Return each training with an information loss, followed by its twin, with which it is compared."""
    lines = []
    for group in study.groups:
        title, summaries = _title(group, study), group.summaries
        twin = f"{title}: twin"
        of_twins = {seed: summary.get("twin", {}) for seed, summary in summaries.items()}
        lines += [_line(title, summaries, against=twin), _line(twin, of_twins, against=None, twin=True)]
    return lines


def _plain(study: Study) -> RunGroup | None:
    """Return the config without an information loss from which most others differ in that loss alone, if any."""

    def rules(group: RunGroup) -> list[Any]:
        return [group.settings[name] for name in RULES]

    with_term = [rules(group) for group in study.groups if group.settings[TERM] != PLAIN]
    plain = [group for group in study.groups if group.settings[TERM] == PLAIN and rules(group) in with_term]
    return max(plain, key=lambda group: with_term.count(rules(group)), default=None)


def _title(group: RunGroup, study: Study, plain: RunGroup | None = None) -> str:
    """Return a title with the information loss, its samples if they vary, and the rules that differ from `plain`.

    Without a plain config the title names the rules that vary in the study.
    """
    words = []
    if group.settings[TERM] != PLAIN:
        words.append(term_title(group.settings))
        if len({other.settings[SAMPLES] for other in study.groups if other.settings[TERM] != PLAIN}) > 1:
            words.append(f"n = {group.settings[SAMPLES]}")
    others = [plain] if plain else study.groups
    for rule, words_for in RULES.items():
        if any(other.settings[rule] != group.settings[rule] for other in others):
            words.append(words_for(group.settings[rule]))
    return ", ".join(words) or "plain"


def _line(title: str, summaries: Mapping[int, Mapping[str, Any]], *, against: str | None, twin: bool = False) -> Line:
    last = {seed: summary.get("last", {}) for seed, summary in summaries.items()}
    return Line(
        title=title,
        outcomes=outcomes(summaries),
        ends={column: {seed: values[column] for seed, values in last.items() if column in values} for column in ENDS},
        against=against,
        twin=twin,
    )


def _caption(about: TransformerTrainingConfig, seeds: int, rows: Sequence[Mapping[str, str]]) -> str:
    settle = about.settle if isinstance(about, GrokkingConfig) else None
    early = f"; one that groks ends {settle:,} steps later" if settle else ""
    text = (
        f"{about.label}, {seeds_in_words(seeds)}, at most {about.steps:,} steps{early}. "
        "Grokked: test accuracy at least 99 %, and kept up to 1.1 times that step or to the end of the run; medians "
        "(least to most) of all runs, those that had not grokked counting as later than all others. Lost again: below "
        "90 % at any later step. "
        "Earlier, later: than the training it is compared with (plain, or its twin) of the same seed; the ratio of "
        "steps is the median of pairs that both grokked; p is of the sign test. "
        "Accuracy: of the test split, mean and 95 % interval; the difference is paired by seed, and its p is of the "
        "sign-flip test. Each p is adjusted for all of its column (Holm)."
    )
    if any(heading in rows[0] for heading in SWAPPED.values()):
        text += " (b, a) trained: accuracy on the test pairs (a, b) of which (b, a) is a training pair."
    return text


def _plotted(lines: Sequence[Line]) -> pd.DataFrame:
    """Return one row per training and seed; the step is NaN if the run did not grok."""
    return pd.DataFrame(
        {
            "training": line.title,
            "compared with": line.against,
            "seed": seed,
            "grokked": step if math.isfinite(step) else math.nan,
            "test accuracy": line.outcomes.accuracies[seed],
            "weight norm": line.ends[WEIGHT_NORM].get(seed, math.nan),
        }
        for line in lines
        for seed, step in line.outcomes.steps.items()
    )


def _draw_accuracies(axis: Axes, line: Line, place: int) -> None:
    accuracies, colour = list(line.outcomes.accuracies.values()), _colour(line)
    axis.plot(accuracies, [place] * len(accuracies), "|", color=colour, markersize=11)
    axis.plot(np.median(accuracies), place, "o", color=colour, markersize=7)


def _draw_steps(axis: Axes, line: Line, place: int, *, budget: int) -> None:
    colour = _colour(line)
    steps = line.outcomes.steps
    grokked = [step for step in steps.values() if math.isfinite(step)]
    axis.plot(grokked, [place] * len(grokked), "|", color=colour, markersize=11)
    if math.isfinite(line.outcomes.median):
        axis.plot(line.outcomes.median, place, "o", color=colour, markersize=7)
    if missing := len(steps) - len(grokked):
        axis.plot(budget * 1.04, place, "x", color=colour, markersize=6)
        axis.text(budget * 1.07, place, str(missing), va="center", fontsize=10)


def _colour(line: Line) -> str:
    return ORANGE if line.twin else BLUE


def _rows(lines: Sequence[Line]) -> list[dict[str, str]]:
    by_title = {line.title: line.outcomes for line in lines}
    compared = {line.title: compare(line.outcomes, by_title[line.against]) for line in lines if line.against}
    p_of_steps = dict(zip(compared, p_cells([each.p for each in compared.values()]), strict=True))
    p_of_accuracy = dict(zip(compared, p_cells([each.accuracy.p for each in compared.values()]), strict=True))
    kinds = {column: heading for column, heading in SWAPPED.items() if any(line.ends[column] for line in lines)}
    rows = []
    for line in lines:
        comparison = compared.get(line.title)
        steps, accuracies = (np.array(list(of.values())) for of in (line.outcomes.steps, line.outcomes.accuracies))
        norms = list(line.ends[WEIGHT_NORM].values())
        rows.append(
            {
                "training": line.title,
                "grokked": f"{np.count_nonzero(np.isfinite(steps))} of {len(steps)}",
                "lost again": str(line.outcomes.lost),
                "at step": _range(steps),
                "earlier, later": f"{comparison.earlier}, {comparison.later}" if comparison else MISSING,
                "step / compared": _ratio(comparison.ratio) if comparison else MISSING,
                "p": p_of_steps.get(line.title, MISSING),
                "accuracy at the end, %": _percent(accuracies),
                "difference, points": difference_cell(comparison.accuracy, ".1f", times=100) if comparison else MISSING,
                "p of the difference": p_of_accuracy.get(line.title, MISSING),
                **{heading: _percent(line.ends[column].values()) for column, heading in kinds.items()},
                "weight norm at the end": f"{np.mean(norms):.1f}" if norms else MISSING,
            }
        )
    return rows


def _percent(fractions: Iterable[float]) -> str:
    return mean_cell(mean_interval(fractions), ".1f", times=100)


def _ratio(ratio: float) -> str:
    return MISSING if math.isnan(ratio) else f"{ratio:.2f}"


def _range(steps: np.ndarray) -> str:
    """Return the median, least and most step as text; a run that did not grok has the step "never"."""
    median, least, most = (
        NEVER if math.isinf(value) else f"{value:,.0f}" for value in (np.median(steps), steps.min(), steps.max())
    )
    return median if median == least == most else f"{median} ({least} to {most})"


def _comparisons(source: Source) -> list[Study]:
    """Return the studies to compare, each split so that only the settings `VARIED` vary within a figure."""
    parts = [part for study in source.studies for part in study.parts(VARIED, strictly=True)]
    return [part for part in parts if _lines(part)]


INTERVENTIONS = FigureKind(
    name="interventions",
    about="a sweep of grokking with information losses, or norm-matched trainings",
    subjects=_comparisons,
    picture=draw_interventions,
    needs={TEST_ACCURACY: "accuracy"},
)
