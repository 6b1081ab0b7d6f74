"""The events of one run, found in its record."""

from typing import Any

import pandas as pd

PAIRINGS = ("prototype/train", "prototype/test", "sample/train", "sample/test", "embedding")

EVENT_COLUMNS = (
    *("step", "train/accuracy", "test/accuracy"),
    *(f"interplay/{pairing}/{ratio}" for pairing in PAIRINGS for ratio in ("mir", "hdr")),
)
"""The columns of a record that its events are found in."""


def events(metrics: pd.DataFrame) -> dict[str, Any]:
    """When accuracy was reached, and where each pairing's MIR and HDR were highest and lowest.

    Thresholds: the first measured step at which accuracy is at least the fraction in the key; None if it never was.
    Extrema: `{"step", "value"}` over all measured steps. Where the record has a test accuracy of 50 %, each pairing
    also has `hdr_peak`: the highest HDR after its lowest point before that step, the bump that comes with the rise.
    """
    found: dict[str, Any] = {
        "train_accuracy_0.99": _first_reached(metrics, "train/accuracy", 0.99),
        "test_accuracy_0.50": _first_reached(metrics, "test/accuracy", 0.50),
        "test_accuracy_0.99": _first_reached(metrics, "test/accuracy", 0.99),
    }
    rise = found["test_accuracy_0.50"]
    for pairing in PAIRINGS:
        if f"interplay/{pairing}/mir" not in metrics:
            continue
        mir, hdr = (_measured(metrics, f"interplay/{pairing}/{ratio}") for ratio in ("mir", "hdr"))
        found[pairing] = {
            "mir_max": _at(mir, mir.idxmax()),
            "mir_min": _at(mir, mir.idxmin()),
            "hdr_min": _at(hdr, hdr.idxmin()),
            "hdr_max": _at(hdr, hdr.idxmax()),
        }
        if rise is not None:
            found[pairing]["hdr_peak"] = _at(hdr, hdr.loc[hdr.loc[:rise].idxmin() :].idxmax())
    return found


def _measured(metrics: pd.DataFrame, column: str) -> pd.Series:
    return metrics[["step", column]].dropna().set_index("step")[column]


def _first_reached(metrics: pd.DataFrame, column: str, threshold: float) -> int | None:
    if column not in metrics:
        return None
    reached = metrics.loc[metrics[column] >= threshold, "step"]
    return int(reached.iloc[0]) if len(reached) else None


def _at(values: pd.Series, step: Any) -> dict[str, int | float]:
    return {"step": int(step), "value": float(values[step])}
