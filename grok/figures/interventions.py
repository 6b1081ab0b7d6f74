"""Does moving a measure move grokking? Runs with a term of information beside plain ones, other rules, and twins."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from scipy import stats

from grok.analysis.statistics import holm
from grok.figures.latex import write_latex
from grok.figures.markdown import table, write_markdown
from grok.figures.records import RunGroup, Study, part_name, studies
from grok.figures.style import BLUE, GREY, ORANGE, styled, write_figure
from grok.figures.terms import PLAIN, TERM, TITLES, WEIGHT, title

RULES = {
    "optimiser.weight_decay": "weight decay {:g}",
    "optimiser.grokfast": "Grokfast {:g}",
    "optimiser.fixed_norm": "fixed norm",
}
VARIED = [TERM, WEIGHT, "information.samples", *RULES]
NEVER = "never"
PLAIN_TITLE = "plain"


@dataclass(frozen=True, kw_only=True)
class Line:
    """What one kind of training came to, and the kind that it is compared with, if any."""

    title: str
    steps: dict[int, float]
    """Seed to the step at which it grokked, infinite where it did not in its time."""
    norms: dict[int, float]
    """Seed to the weight norm at its end."""
    against: str | None
    twin: bool = False

    @property
    def median(self) -> float:
        """Of the steps."""
        return float(np.median(list(self.steps.values())))


def draw_interventions(source: Path, target: Path) -> list[Path]:
    """Draw each study of grokking with and without a term of information, and each of norm-matched twins.

    Of grokking, configs differ in the term, its weight and samples, weight decay, Grokfast and fixed norm alone; each
    is compared with the plain one, by seed. A training with a term is compared with its twin.
    """
    written = []
    for study in studies(source, "grokking"):
        for settings, part in study.parts(VARIED):
            if plain := _plain(part):
                lines = [_line(group, plain) for group in part.groups]
                written += _draw(_in_order(lines), part, settings, target)
    for study in studies(source, "norm-matched"):
        for settings, part in study.parts(VARIED):
            lines = [line for group in part.groups for line in _twins(group)]
            written += _draw(lines, part, settings, target)
    return written


def _plain(study: Study) -> RunGroup | None:
    """The config without a term from which some with one differ in the term alone, if there is one."""
    terms = [group for group in study.groups if group.settings[TERM] != PLAIN]
    rules = [{name: group.settings[name] for name in RULES} for group in terms]
    alike = [g for g in study.groups if g.settings[TERM] == PLAIN and {n: g.settings[n] for n in RULES} in rules]
    return alike[0] if alike else None


def _line(group: RunGroup, plain: RunGroup) -> Line:
    if group.settings[TERM] != PLAIN:
        name = title(group.settings)
    else:
        changed = [words.format(group.settings[rule]) for rule, words in RULES.items() if _differs(group, plain, rule)]
        name = ", ".join(changed) or PLAIN_TITLE
    summaries = {seed: run.manifest()["summary"] for seed, run in group.runs.items()}
    return Line(
        title=name,
        steps={seed: _grokked(summary["events"]) for seed, summary in summaries.items()},
        norms={seed: summary["last"].get("weight_norm", math.nan) for seed, summary in summaries.items()},
        against=None if group is plain else PLAIN_TITLE,
    )


def _differs(group: RunGroup, plain: RunGroup, rule: str) -> bool:
    return bool(group.settings[rule] != plain.settings[rule])


def _twins(group: RunGroup) -> list[Line]:
    """The training with the term, and its twin."""
    name = title(group.settings)
    twin = f"{name}: twin"
    summaries = {seed: run.manifest()["summary"] for seed, run in group.runs.items()}
    norms = {seed: summary["last"].get("weight_norm", math.nan) for seed, summary in summaries.items()}
    first, second = (
        {seed: _grokked(summary[key]) for seed, summary in summaries.items()} for key in ("events", "twin")
    )
    return [
        Line(title=name, steps=first, norms=norms, against=twin),
        Line(title=twin, steps=second, norms=norms, against=None, twin=True),
    ]


def _grokked(events: Mapping[str, Any]) -> float:
    return math.inf if events["grokked"] is None else float(events["grokked"])


def _in_order(lines: Sequence[Line]) -> list[Line]:
    """Plain first, then rules, then terms, as they come."""
    terms = tuple(f"{name}," for name in TITLES.values())
    return sorted(lines, key=lambda line: (line.title != PLAIN_TITLE, line.title.startswith(terms)))


def _draw(lines: Sequence[Line], study: Study, settings: Mapping[str, Any], folder: Path) -> list[Path]:
    name = part_name("interventions", study, settings)
    about = study.groups[0]
    budget = int(about.settings["steps"])
    seeds = max(len(group.runs) for group in study.groups)
    with styled():
        figure = Figure(figsize=(9, 0.34 * len(lines) + 2.0), layout=ConstrainedLayoutEngine(rect=(0, 0.05, 1, 0.95)))
        axis = figure.subplots()
        for place, line in enumerate(reversed(lines)):
            _draw_line(axis, line, place, budget=budget)
        if lines[0].against is None and np.isfinite(lines[0].median):
            axis.axvline(lines[0].median, color=GREY, linestyle="--")
        axis.set_yticks(range(len(lines)), [line.title for line in reversed(lines)])
        axis.xaxis.set_major_formatter("{x:,.0f}")
        axis.set(xlabel=f"step at which it grokked; crosses: how many had not by step {budget:,}")
        axis.set_xlim(0, budget * 1.14)
        figure.suptitle(f"{about.grokking.label}, {seeds} seeds: strokes, and their median")
        written = write_figure(figure, _plotted(lines), folder, name, stamp=study.stamp)
    rows = _rows(lines)
    text = (
        f"{about.grokking.label}, {seeds} seeds, at most {budget:,} steps. Grokked: test accuracy at least 99 % and "
        "kept; medians (least to most) of all runs, those that had not grokked counting as later than all others. "
        "Earlier, later: than the training it is compared with (plain, or its twin) of the same seed; the ratio of "
        "steps is the median of pairs that both grokked; p is of the sign test, adjusted for all of the table (Holm)."
    )
    return [*written, write_markdown(folder, name, [table(rows), text]), write_latex(folder, name, rows, text)]


def _plotted(lines: Sequence[Line]) -> pd.DataFrame:
    """A row a training and seed; NaN where it had not grokked."""
    rows = []
    for line in lines:
        for seed, step in line.steps.items():
            grokked = step if math.isfinite(step) else math.nan
            about = {"training": line.title, "compared with": line.against, "seed": seed}
            rows.append(about | {"grokked": grokked, "weight norm": line.norms[seed]})
    return pd.DataFrame(rows)


def _draw_line(axis: Axes, line: Line, place: int, *, budget: int) -> None:
    colour = ORANGE if line.twin else BLUE
    grokked = [step for step in line.steps.values() if math.isfinite(step)]
    axis.plot(grokked, [place] * len(grokked), "|", color=colour, markersize=11)
    if math.isfinite(line.median):
        axis.plot(line.median, place, "o", color=colour, markersize=7)
    if missing := len(line.steps) - len(grokked):
        axis.plot(budget * 1.04, place, "x", color=colour, markersize=6)
        axis.text(budget * 1.07, place, str(missing), va="center", fontsize=10)


def _rows(lines: Sequence[Line]) -> list[dict[str, str]]:
    by_title = {line.title: line for line in lines}
    compared = {line.title: _compare(line, by_title[line.against]) for line in lines if line.against}
    adjusted = dict(zip(compared, holm([p for *_, p in compared.values()]), strict=True))
    rows = []
    for line in lines:
        steps = np.array(list(line.steps.values()))
        earlier, later, ratio, _ = compared.get(line.title, (None, None, math.nan, None))
        p = adjusted.get(line.title, math.nan)
        rows.append(
            {
                "training": line.title,
                "grokked": f"{np.count_nonzero(np.isfinite(steps))} of {len(steps)}",
                "at step": _range(steps),
                "earlier, later": "–" if earlier is None else f"{earlier}, {later}",
                "step / compared": "–" if math.isnan(ratio) else f"{ratio:.2f}",
                "p": "–" if math.isnan(p) else f"{p:.3f}",
                "weight norm at the end": f"{np.nanmean(list(line.norms.values())):.1f}",
            }
        )
    return rows


def _compare(line: Line, other: Line) -> tuple[int, int, float, float]:
    """In how many pairs it grokked earlier, in how many later, the median ratio of steps, and the sign test's p."""
    pairs = [(line.steps[seed], other.steps[seed]) for seed in line.steps.keys() & other.steps.keys()]
    earlier = sum(a < b for a, b in pairs)
    later = sum(a > b for a, b in pairs)
    both = [a / b for a, b in pairs if math.isfinite(a) and math.isfinite(b)]
    p = stats.binomtest(earlier, earlier + later).pvalue if earlier + later else math.nan
    return earlier, later, float(np.median(both)) if both else math.nan, float(p)


def _range(steps: np.ndarray) -> str:
    """Median, least and most; never where that is infinite."""
    median, least, most = (
        NEVER if math.isinf(value) else f"{value:,.0f}" for value in (np.median(steps), steps.min(), steps.max())
    )
    return median if median == least == most else f"{median} ({least} to {most})"
