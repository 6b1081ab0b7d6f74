"""The events of a record are found at their steps."""

import json

import numpy as np
import pandas as pd

from grok.analysis.events import EVENT_COLUMNS, events
from grok.analysis.turning import MEASURES

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


def _grokking(accuracies):
    found = events(pd.DataFrame({"step": accuracies.keys(), "test/accuracy": accuracies.values()}))
    return found["grokked"], found["ungrokked"]


def test_a_run_has_grokked_where_test_accuracy_stays_for_a_tenth_more_steps():
    assert _grokking({100: 0.5, 200: 0.99, 210: 1.0, 220: 0.98, 230: 0.99, 260: 1.0}) == (230, None)
    assert _grokking({100: 0.5, 200: 0.99, 210: 1.0, 221: 0.98, 230: 0.99, 260: 1.0}) == (200, None)


def test_a_run_that_ends_within_that_tenth_has_grokked_and_one_that_never_stays_has_not():
    assert _grokking({100: 0.5, 200: np.nan, 300: 0.99}) == (300, None)
    assert _grokking({100: 0.99, 105: 0.9, 110: 1.0, 115: 0.98}) == (None, None)
    assert _grokking({100: 0.5, 200: 0.98}) == (None, None)


def test_a_run_that_falls_below_nine_tenths_later_has_ungrokked():
    assert _grokking({50: 0.1, 100: 0.99, 150: 0.9, 160: 0.89, 170: 0.1}) == (100, 160)


def test_turns_are_those_after_memorisation_as_plain_numbers():
    steps = np.arange(0, 5_000, 10)
    norm = np.where(steps < 2_000, 50.0, 40.0)
    record = pd.DataFrame({"step": steps, "train/accuracy": np.where(steps < 140, 0.2, 1.0), "weight_norm": norm})
    turn = events(record)["turns"]["weight_norm"]
    assert 1_960 <= turn["onset"] <= 2_010 < turn["detected"] < 2_200
    assert events(record[record["step"] < 140])["turns"] == {"weight_norm": {"detected": None, "onset": None}}
    json.dumps(events(record))


def test_every_column_that_events_are_found_in_is_named_once():
    assert len(set(EVENT_COLUMNS)) == len(EVENT_COLUMNS)
    assert set(MEASURES) < set(EVENT_COLUMNS)
