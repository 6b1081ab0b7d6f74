"""Information losses in figures and tables: their names, and means and differences with intervals."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import pandas as pd

from grok.analysis.statistics import MeanInterval, PairedDifference, holm, mean_interval, paired_difference
from grok.figures.records import RunGroup, Study
from grok.figures.style import BLUE, GREEN, PURPLE, VERMILION
from grok.figures.tables import MISSING

TERM, WEIGHT = "information.term", "information.weight"
PLAIN = "none"
TITLES = {
    "mutual_information": "MI",
    "entropy_difference": "ΔH",
    "mir": "MIR",
    "hdr": "HDR",
}
"""The short name of each information loss, in the order of tables."""
TERM_COLOURS = {"mutual_information": VERMILION, "entropy_difference": BLUE, "mir": PURPLE, "hdr": GREEN}


def ends(study: Study, columns: Sequence[str], settings: Sequence[str] = ()) -> pd.DataFrame:
    """Return one row per run: settings, information loss, weight, seed, and the last value of each measure or NaN."""
    rows = []
    shown = (*settings, TERM, WEIGHT)
    for group in study.groups:
        about = {"config": group.name} | {name: group.settings[name] for name in shown}
        for seed, metrics in group.metrics(columns).items():
            last = metrics.ffill().iloc[-1:].to_dict("records")
            rows += [about | {"seed": seed} | values for values in last]
    return pd.DataFrame(rows).reindex(columns=["config", *shown, "seed", *columns])


def paired(of_runs: pd.DataFrame, config: str, plain: str, column: str) -> PairedDifference:
    """Return the difference of a config from `plain`, paired by seed, in a column of `ends`."""
    values = of_runs.pivot(index="seed", columns="config", values=column)
    return paired_difference((values[config] - values[plain]).dropna())


def mean_cell(interval: MeanInterval, form: str, *, times: int = 1) -> str:
    """Format a mean ± half the width of its 95 % interval; a dash stands for a mean of no values.

    >>> mean_cell(mean_interval([0.9, 0.8, 0.7]), ".1f", times=100), mean_cell(mean_interval([]), ".1f")
    ('80.0 ± 24.8', '–')
    """
    if interval.n == 0:
        return MISSING
    mean = f"{interval.mean * times:{form}}"
    return mean if interval.n < 2 else f"{mean} ± {(interval.high - interval.mean) * times:{form}}"


def difference_cell(difference: PairedDifference, form: str, *, times: int = 1) -> str:
    """Format a mean difference with its sign ± half the width of its 95 % interval; a dash stands for no pairs."""
    if difference.n == 0:
        return MISSING
    mean = f"{difference.mean * times:+z{form}}".replace("-", "−")
    return mean if difference.n < 2 else f"{mean} ± {(difference.high - difference.mean) * times:{form}}"


def p_cells(p_values: Sequence[float]) -> list[str]:
    """Format the p values of several tests, adjusted for their number (`holm`); a dash stands for NaN.

    >>> p_cells([0.00001, 0.02, math.nan])
    ['< 0.001', '0.020', '–']
    """
    return [MISSING if math.isnan(p) else "< 0.001" if p < 0.0005 else f"{p:.3f}" for p in holm(p_values)]


def by_term_and_weight(group: RunGroup) -> tuple[int, float]:
    """Return a sort key: groups without an information loss come first, then loss by loss, each by rising weight."""
    return [PLAIN, *TITLES].index(group.settings[TERM]), group.settings[WEIGHT]


def in_order(study: Study) -> Study:
    """Return the study with its groups sorted `by_term_and_weight`, not by the time of their training."""
    return replace(study, groups=sorted(study.groups, key=by_term_and_weight))


def measured(of_runs: pd.DataFrame, config: str, column: str) -> MeanInterval:
    """Return the mean over a config's runs in a column of `ends`, with its interval."""
    return mean_interval(of_runs.loc[of_runs["config"] == config, column].dropna())


def title(settings: Mapping[str, Any]) -> str:
    """Return an information loss and its weight in words.

    >>> title({TERM: "mir", WEIGHT: 0.1}), title({TERM: "hdr", WEIGHT: -1.0}), title({TERM: "none", WEIGHT: 0.0})
    ('MIR, 0.1', 'HDR, −1', 'none')
    """
    if settings[TERM] == PLAIN:
        return "none"
    return f"{TITLES[settings[TERM]]}, {settings[WEIGHT]:g}".replace("-", "−")
