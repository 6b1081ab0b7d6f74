"""A record of a training and its twin falls into the record of each."""

import pandas as pd

from grok.analysis.twins import trainings

TWIN = "norm_matched/twin"


def test_the_twin_begins_at_its_first_row_and_counts_its_steps_from_there():
    record = pd.DataFrame(
        {
            "step": [0, 7, 14, 21, 25, 32],
            TWIN: [0.0, None, 0.0, None, 1.0, None],
            "test/accuracy": [0.0, 0.1, 0.2, 0.3, 0.0, 0.5],
        }
    )
    first, twin = trainings(record)
    assert first["step"].tolist() == [0, 7, 14, 21]
    assert twin["step"].tolist() == [0, 7]
    assert twin["test/accuracy"].tolist() == [0.0, 0.5]
    assert record["step"].tolist() == [0, 7, 14, 21, 25, 32]  # as it was


def test_a_record_without_a_twin_is_one_training():
    alone = pd.DataFrame({"step": [0, 5], "test/accuracy": [0.1, 0.2]})
    begun = alone.assign(**{TWIN: [0.0, None]})
    for record in (alone, begun, alone.iloc[:0]):
        (only,) = trainings(record)
        pd.testing.assert_frame_equal(only, record)
