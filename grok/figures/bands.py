"""Curves of many seeds as a median and a band."""

from collections.abc import Iterable, Mapping

import numpy as np
import pandas as pd
from jaxtyping import Float, Int
from matplotlib.axes import Axes

POINTS = 240  # steps at which a band is drawn, evenly spaced in log step
LOW, HIGH = 0.1, 0.9  # quantiles over seeds between which a band lies
BAND = f"median, and band from {100 * LOW:.0f} % to {100 * HIGH:.0f} %"
FEW = 4  # largest number of seeds that are drawn as one line each


def band(records: Mapping[int, pd.DataFrame], column: str, *, points: int = POINTS) -> pd.DataFrame | None:
    """Return the median and the 10 % and 90 % quantiles over seeds at log-spaced steps; None if not measured.

    The value of a seed at a step is its last measurement so far. After the end of a run, which has then settled, it is
    the run's last measurement.

    Returns: columns `median`, `low`, `high`, indexed by step.
    """
    curves = [metrics[column].dropna() for metrics in records.values() if column in metrics]
    curves = [curve for curve in curves if len(curve)]
    if not curves:
        return None
    steps = log_steps(max(int(curve.index[-1]) for curve in curves), points)
    values = np.stack([_last_so_far(curve, steps) for curve in curves])
    median, low, high = np.nanquantile(values, [0.5, LOW, HIGH], axis=0)
    return pd.DataFrame({"median": median, "low": low, "high": high}, index=pd.Index(steps, name="step"))


def log_steps(last: int, points: int) -> Int[np.ndarray, "step"]:
    """Return the distinct steps from 0 to `last` that are evenly spaced in log(step + 1).

    >>> log_steps(99, 5)
    array([ 0,  2,  9, 31, 99])
    """
    return np.unique(np.geomspace(1, last + 1, points).round().astype(np.int64) - 1)


def draw_band(
    axis: Axes, records: Mapping[int, pd.DataFrame], column: str, *, colour: str, label: str, line: str = "-"
) -> pd.DataFrame | None:
    """Draw the median and band of a column, or one line per seed if there are few; return the `band`."""
    found = band(records, column)
    if found is None:
        return None
    if len(records) <= FEW:
        for metrics in records.values():
            if column in metrics:
                values = metrics[column].dropna()
                axis.plot(values.index + 1, values, color=colour, linestyle=line, label=label)
        return found
    axis.plot(found.index + 1, found["median"], color=colour, linestyle=line, label=label)
    axis.fill_between(found.index + 1, found["low"], found["high"], color=colour, alpha=0.18, linewidth=0)
    return found


def draw_spread(
    axis: Axes, rows: pd.DataFrame, x: str, column: str, *, colour: str, label: str, line: str = "-"
) -> None:
    """Draw a column against another, `x`, that takes the same few values in each seed.

    The curve is the median and band over seeds, or one line per seed if there are few. `rows` has a column `seed`, and
    one row for each seed and value of `x`. Nothing is drawn if `rows` lacks the column.
    """
    if column not in rows:
        return
    values = rows.pivot(index=x, columns="seed", values=column).dropna(axis="columns", how="all")
    if values.shape[1] <= FEW:
        for seed in values:
            axis.plot(values.index, values[seed], line, marker=".", color=colour, label=label)
        return
    axis.plot(values.index, values.median(axis="columns"), line, marker=".", color=colour, label=label)
    low, high = (values.quantile(quantile, axis="columns") for quantile in (LOW, HIGH))
    axis.fill_between(values.index, low, high, color=colour, alpha=0.18, linewidth=0)


def band_table(records: Mapping[int, pd.DataFrame], columns: Iterable[str]) -> pd.DataFrame:
    """Return the bands of many columns one below the other, with their names in `column` and the number of `seeds`."""
    names = ["column", "step", "median", "low", "high", "seeds"]
    parts = []
    for column in columns:
        found = band(records, column)
        if found is not None:
            seeds = sum(column in metrics for metrics in records.values())
            parts.append(found.reset_index().assign(column=column, seeds=seeds)[names])
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=names)


def _last_so_far(curve: pd.Series, steps: Int[np.ndarray, "step"]) -> Float[np.ndarray, "step"]:
    places = np.searchsorted(curve.index.to_numpy(), steps, side="right") - 1
    return np.where(places >= 0, curve.to_numpy(dtype=np.float64)[places], np.nan)
