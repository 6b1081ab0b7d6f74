"""The recorder keeps every measured value once, in order, through saves, failures and resumptions."""

import pyarrow.parquet as pq
import pytest
import torch

from grok.tracking import StoreError, store
from grok.training.recorder import Recorder
from tests.helpers import new_run


class ListMirror:
    def __init__(self):
        self.rows = []

    def log(self, step, metrics):
        self.rows.append((step, dict(metrics)))


def scalar(value):
    return torch.tensor(value, dtype=torch.float64)


def record(recorder, steps):
    for step in steps:
        recorder.record(step, {"loss": scalar(step / 7)})


def steps_in(run):
    return pq.read_table(run.metrics_path)["step"].to_pylist()


def test_a_fetch_gives_the_rows_since_the_last_one_in_order(tmp_path):
    recorder = Recorder(new_run(tmp_path))
    recorder.record(0, {"loss": scalar(0.5), "accuracy": scalar(0.25)})
    recorder.record(1, {"weight_norm": torch.tensor(0.1)})  # float32
    recorder.record(2, {})
    assert recorder.fetch() == [(0, {"loss": 0.5, "accuracy": 0.25}), (1, {"weight_norm": torch.tensor(0.1).item()})]
    assert recorder.fetch() == []
    record(recorder, [3])
    assert recorder.fetch() == [(3, {"loss": 3 / 7})]


def test_a_recorded_tensor_is_not_read_before_the_fetch(tmp_path):
    recorder = Recorder(new_run(tmp_path))
    value = scalar(1.0)
    recorder.record(0, {"loss": value})
    value.fill_(2.0)  # stands for a value that is still under way on the device
    assert recorder.fetch() == [(0, {"loss": 2.0})]


def test_the_mirror_sees_each_row_once(tmp_path):
    mirror = ListMirror()
    recorder = Recorder(new_run(tmp_path), mirror=mirror)
    record(recorder, [0, 1])
    recorder.fetch()
    record(recorder, [2])
    recorder.save()
    recorder.save()
    assert mirror.rows == [(0, {"loss": 0.0}), (1, {"loss": 1 / 7}), (2, {"loss": 2 / 7})]


def test_a_save_appends_and_leaves_null_what_was_not_measured(tmp_path):
    run = new_run(tmp_path)
    recorder = Recorder(run)
    record(recorder, [0, 1])
    recorder.save()
    recorder.record(2, {"accuracy": scalar(1.0)})
    recorder.save()
    assert pq.read_table(run.metrics_path).to_pydict() == {
        "step": [0, 1, 2],
        "loss": [0.0, 1 / 7, None],
        "accuracy": [None, None, 1.0],
    }


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
    first.record(0, {"loss": scalar(0.0), "accuracy": scalar(0.5)})
    record(first, [1, 2, 3])
    first.save()
    resumed = Recorder(run, first_step=2)
    assert resumed.earlier_rows() == [(0, {"loss": 0.0, "accuracy": 0.5}), (1, {"loss": 1 / 7})]
    assert steps_in(run) == [0, 1, 2, 3]  # until there is something to replace them
    resumed.record(2, {"loss": scalar(-1.0)})
    resumed.save()
    assert pq.read_table(run.metrics_path)["loss"].to_pylist() == [0.0, 1 / 7, -1.0]


def test_rows_of_a_failed_save_are_written_by_the_next(tmp_path, monkeypatch):
    run = new_run(tmp_path)
    recorder = Recorder(run)
    record(recorder, [0])
    recorder.save()
    record(recorder, [1])

    def full(path, write):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(store, "write_atomically", full)
        with pytest.raises(StoreError, match="No space left on device"):
            recorder.save()
    assert steps_in(run) == [0]
    record(recorder, [2])
    recorder.save()
    assert steps_in(run) == [0, 1, 2]
