"""The recorder stores every measured value once and in order, through saves, failures and resumes."""

import numpy as np
import pyarrow.parquet as pq
import pytest

from grok.tracking import StoreError
from grok.training.measurements import Measured, Measurements
from grok.training.recorder import LARGEST, Recorder
from tests.helpers import new_run


class ListMirror:
    def __init__(self):
        self.rows = []

    def log(self, step, metrics):
        self.rows.append((step, dict(metrics)))


def measurements(**columns):
    """Measurements with one probe per column; each column is a dict from step to value."""
    return Measurements(
        {
            name: Measured(np.array(list(values), dtype=np.int64), {name: np.array(list(values.values()), dtype=float)})
            for name, values in columns.items()
        }
    )


def record(recorder, steps):
    recorder.record(measurements(loss={step: step / 7 for step in steps}))


def steps_in(run):
    return pq.read_table(run.metrics_path)["step"].to_pylist()


def test_the_mirror_sees_each_row_once(tmp_path):
    mirror = ListMirror()
    recorder = Recorder(new_run(tmp_path), mirror=mirror)
    record(recorder, [0, 1])
    record(recorder, [2])
    recorder.save()
    recorder.save()
    assert mirror.rows == [(0, {"loss": 0.0}), (1, {"loss": 1 / 7}), (2, {"loss": 2 / 7})]


def test_a_save_appends_and_leaves_null_what_was_not_measured(tmp_path):
    run = new_run(tmp_path)
    recorder = Recorder(run)
    record(recorder, [0, 1])
    recorder.save()
    recorder.record(measurements(accuracy={2: 1.0, 4: 0.5}, loss={3: 0.25, 4: np.nan}))
    recorder.save()
    table = pq.read_table(run.metrics_path)
    assert table.select(["step", "accuracy"]).to_pydict() == {
        "step": [0, 1, 2, 3, 4],
        "accuracy": [None, None, 1.0, None, 0.5],
    }
    assert table["loss"].is_null().to_pylist() == [False, False, True, False, False]  # measured, and no number


def test_a_save_with_nothing_new_leaves_the_file(tmp_path):
    run = new_run(tmp_path)
    recorder = Recorder(run)
    record(recorder, [0])
    recorder.save()
    before = run.metrics_path.stat().st_ino
    recorder.save()
    assert run.metrics_path.stat().st_ino == before


def test_resuming_drops_the_rows_to_be_measured_again(tmp_path):
    run = new_run(tmp_path)
    first = Recorder(run)
    first.record(measurements(loss={step: step / 7 for step in range(4)}, accuracy={0: 0.5}))
    first.save()
    resumed = Recorder(run, first_step=2)
    assert resumed.earlier("loss") == [(0, 0.0), (1, 1 / 7)]
    assert resumed.earlier("accuracy") == [(0, 0.5)]
    assert resumed.earlier("missing") == []
    assert steps_in(run) == [0, 1, 2, 3]  # until there is something to replace them
    resumed.record(measurements(loss={2: -1.0}))
    resumed.save()
    assert pq.read_table(run.metrics_path)["loss"].to_pylist() == [0.0, 1 / 7, -1.0]


def test_what_is_not_saved_is_bounded(tmp_path):
    run = new_run(tmp_path)
    recorder = Recorder(run)
    for first in range(0, 3 * LARGEST, 5000):
        record(recorder, range(first, first + 5000))
        assert recorder._rows < LARGEST
    assert len(steps_in(run)) >= 2 * LARGEST


def test_rows_of_a_failed_save_are_written_by_the_next(tmp_path, monkeypatch):
    run = new_run(tmp_path)
    recorder = Recorder(run)
    record(recorder, [0])
    recorder.save()
    record(recorder, [1])

    def full(path, write):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("grok.tracking.record.write_atomically", full)
        with pytest.raises(StoreError, match="No space left on device"):
            recorder.save()
    assert steps_in(run) == [0]
    record(recorder, [2])
    recorder.save()
    assert steps_in(run) == [0, 1, 2]
