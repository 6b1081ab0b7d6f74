"""Events of one run, such as memorisation and grokking, found in its record."""

from typing import Any

import numpy as np
import pandas as pd

from grok.analysis.turning import MEASURES, turns
from grok.columns import RATIOS, TEST_ACCURACY, TRAIN_ACCURACY, interplay

PAIRINGS = ("prototype/train", "prototype/test", "sample/train", "sample/test", "embedding")

EVENT_COLUMNS = (
    *("step", TRAIN_ACCURACY),
    *dict.fromkeys((*(interplay(pairing, ratio) for pairing in PAIRINGS for ratio in RATIOS), *MEASURES)),
)
"""Columns of a record from which its events are found."""


def events(metrics: pd.DataFrame) -> dict[str, Any]:
    """Find when accuracies reached thresholds, when measures turned, and where MIR and HDR were extreme.

    - `train_accuracy_0.99`, `test_accuracy_0.50` and `test_accuracy_0.99` are the first measured steps at which the
      accuracy is at least the fraction in the key. A run has memorised at `train_accuracy_0.99`.
    - `grokked` is the first measured step t at which test accuracy is at least 99 % and stays so at every measurement
      up to step 1.1 t, or to the end of a shorter record.
    - `ungrokked` is the first step after `grokked` at which test accuracy is below 90 %.
    - `turns` holds `{"detected", "onset"}` of each measure in the record after memorisation, by the rule of
      `find_turn`.
    - Each pairing has the extrema of MIR and HDR over all measured steps, as `{"step", "value"}`. If test accuracy
      reached 50 %, it also has `hdr_peak`. That is the highest HDR after its minimum before that step: the peak that
      accompanies the rise of test accuracy.

    A step that does not exist is None.
    """
    found: dict[str, Any] = {
        "train_accuracy_0.99": _first_reached(metrics, TRAIN_ACCURACY, 0.99),
        "test_accuracy_0.50": _first_reached(metrics, TEST_ACCURACY, 0.50),
        "test_accuracy_0.99": _first_reached(metrics, TEST_ACCURACY, 0.99),
    }
    found["grokked"] = _grokked(metrics)
    found["ungrokked"] = _ungrokked(metrics, found["grokked"])
    rise = found["test_accuracy_0.50"]
    for pairing in PAIRINGS:
        if interplay(pairing, "mir") not in metrics:
            continue
        mir, hdr = (_measured(metrics, interplay(pairing, ratio)) for ratio in RATIOS)
        found[pairing] = {
            "mir_max": _at(mir, mir.idxmax()),
            "mir_min": _at(mir, mir.idxmin()),
            "hdr_min": _at(hdr, hdr.idxmin()),
            "hdr_max": _at(hdr, hdr.idxmax()),
        }
        if rise is not None:
            found[pairing]["hdr_peak"] = _at(hdr, hdr.loc[hdr.loc[:rise].idxmin() :].idxmax())
    found["turns"] = {
        column: turn._asdict() for column, turn in turns(metrics, after=found["train_accuracy_0.99"]).items()
    }
    return found


def _grokked(metrics: pd.DataFrame) -> int | None:
    if TEST_ACCURACY not in metrics:
        return None
    accuracy = _measured(metrics, TEST_ACCURACY)
    steps, high = accuracy.index.to_numpy(), accuracy.to_numpy() >= 0.99
    dips = np.append(steps[~high], np.iinfo(np.int64).max)
    following = dips[np.searchsorted(dips, steps[high])]
    kept = steps[high][following > 11 * steps[high] // 10]
    return int(kept[0]) if len(kept) else None


def _ungrokked(metrics: pd.DataFrame, grokked: int | None) -> int | None:
    if grokked is None:
        return None
    lost = metrics.loc[(metrics["step"] > grokked) & (metrics[TEST_ACCURACY] < 0.90), "step"]
    return int(lost.iloc[0]) if len(lost) else None


def _measured(metrics: pd.DataFrame, column: str) -> pd.Series:
    return metrics[["step", column]].dropna().set_index("step")[column]


def _first_reached(metrics: pd.DataFrame, column: str, threshold: float) -> int | None:
    if column not in metrics:
        return None
    reached = metrics.loc[metrics[column] >= threshold, "step"]
    return int(reached.iloc[0]) if len(reached) else None


def _at(values: pd.Series, step: Any) -> dict[str, int | float]:
    return {"step": int(step), "value": float(values[step])}
