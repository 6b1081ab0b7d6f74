"""Events are found where a record has them."""

import numpy as np
import pandas as pd

from grok.analysis.events import events

STEPS = [0, 10, 20, 30, 40, 50]
RECORD = pd.DataFrame(
    {
        "step": STEPS,
        "train/accuracy": [0.1, 0.99, 1.0, 1.0, 1.0, 1.0],
        "test/accuracy": [0.0, 0.0, 0.1, 0.5, 0.98, 0.991],
        "interplay/sample/test/mir": [0.5, 0.6, 0.7, 0.5, 0.4, 0.3],
        "interplay/sample/test/hdr": [0.9, 0.2, 0.1, 0.4, 0.3, 0.05],
        "interplay/embedding/mir": [0.9, np.nan, 0.8, np.nan, 0.7, np.nan],
        "interplay/embedding/hdr": [0.0, np.nan, 0.1, np.nan, 0.2, np.nan],
    }
)


def test_accuracies_are_reached_at_the_first_step_that_has_them():
    found = events(RECORD)
    names = ("train_accuracy_0.99", "test_accuracy_0.50", "test_accuracy_0.99")
    assert [found[name] for name in names] == [10, 30, 50]


def test_extrema_are_over_all_steps_and_the_peak_is_the_bump_that_comes_with_the_rise():
    assert events(RECORD)["sample/test"] == {
        "mir_max": {"step": 20, "value": 0.7},
        "mir_min": {"step": 50, "value": 0.3},
        "hdr_min": {"step": 50, "value": 0.05},
        "hdr_max": {"step": 0, "value": 0.9},
        "hdr_peak": {"step": 30, "value": 0.4},
    }


def test_nulls_between_measurements_are_passed_over():
    assert events(RECORD)["embedding"]["mir_min"] == {"step": 40, "value": 0.7}


def test_what_was_not_reached_or_not_measured_is_said_to_be_missing():
    found = events(RECORD[RECORD["step"] < 30].drop(columns="train/accuracy"))
    assert found["train_accuracy_0.99"] is None
    assert found["test_accuracy_0.50"] is None
    assert "hdr_peak" not in found["sample/test"]
    assert "prototype/test" not in found
