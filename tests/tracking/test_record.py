"""The record keeps every bit of what is appended, and a damaged record is reported and left untouched."""

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from grok.tracking import StoreError, record
from tests.helpers import new_run


def table(**columns):
    return pa.table({"step": pa.array(range(len(next(iter(columns.values())))), pa.int64())} | columns)


def test_a_truncated_record_is_named_with_its_mend_and_left_alone(tmp_path):
    run = new_run(tmp_path)
    run.append_table(table(loss=pa.array([0.5] * 1000)), first_step=0)
    half = run.metrics_path.read_bytes()[:500]
    run.metrics_path.write_bytes(half)
    with pytest.raises(StoreError, match=r"metrics\.parquet is damaged \(.*\): restore it from a copy, or train anew"):
        run.metrics()
    assert run.metrics_path.read_bytes() == half


def test_the_record_keeps_every_bit_its_types_and_its_nulls(tmp_path):
    run = new_run(tmp_path)
    written = table(loss=pa.array([0.1, None, float("nan"), 1e-300]), accuracy=pa.array([None, None, 1 / 3, 1.0]))
    run.append_table(written, first_step=0)
    read = pq.read_table(run.metrics_path)
    assert {field.name: str(field.type) for field in read.schema} == {
        "step": "int64",
        "loss": "double",
        "accuracy": "double",
    }
    assert [column.null_count for column in read.columns] == [0, 1, 2]
    assert repr(read.to_pydict()) == repr(written.to_pydict())


def test_what_is_appended_follows_the_rows_before_it_in_whole_row_groups(tmp_path, monkeypatch):
    monkeypatch.setattr(record, "ROW_GROUP_SIZE", 4)
    parts = [range(3), range(3, 9), range(9, 10), range(10, 21)]
    runs = [new_run(tmp_path, seed=seed) for seed in (0, 1)]
    for part in parts:
        runs[0].append_table(pa.table({"step": list(part), "loss": [step / 7 for step in part]}), first_step=part[0])
    runs[1].append_table(pa.table({"step": list(range(21)), "loss": [step / 7 for step in range(21)]}), first_step=0)
    metadata = pq.read_metadata(runs[0].metrics_path)
    assert [metadata.row_group(group).num_rows for group in range(metadata.num_row_groups)] == [4, 4, 4, 4, 4, 1]
    assert runs[0].read_table().to_pydict() == {"step": list(range(21)), "loss": [step / 7 for step in range(21)]}
    assert runs[0].metrics_path.read_bytes() == runs[1].metrics_path.read_bytes()


def test_rows_from_the_first_appended_step_on_are_replaced_and_new_columns_are_null_before(tmp_path):
    run = new_run(tmp_path)
    run.append_table(pa.table({"step": [0, 1, 2], "loss": [3.0, 2.0, 1.0]}), first_step=0)
    run.append_table(pa.table({"step": [1], "mir": [0.5]}), first_step=1)
    assert run.read_table().to_pydict() == {"step": [0, 1], "loss": [3.0, None], "mir": [None, 0.5]}


def test_the_last_row_has_what_was_measured_there(tmp_path):
    run = new_run(tmp_path)
    assert run.last_row() == {}
    run.append_table(pa.table({"step": [0, 1], "loss": [3.0, 2.0], "mir": [0.5, None]}), first_step=0)
    assert run.last_row() == {"step": 1, "loss": 2.0}


def test_columns_are_read_alone_and_missing_ones_left_out(tmp_path):
    run = new_run(tmp_path)
    assert run.read_table(["step", "loss"]).column_names == ["step"]
    run.append_table(pa.table({"step": [0], "loss": [3.0], "mir": [0.5]}), first_step=0)
    assert run.read_table(["step", "loss", "nothing"]).to_pydict() == {"step": [0], "loss": [3.0]}


def test_appending_to_a_damaged_record_leaves_it_and_says_so(tmp_path):
    run = new_run(tmp_path)
    run.metrics_path.write_bytes(b"PAR1 and no more")
    with pytest.raises(StoreError, match=r"metrics\.parquet is damaged"):
        run.append_table(table(loss=pa.array([0.5])), first_step=0)
    assert [path.name for path in run.path.iterdir() if path.name.endswith("tmp")] == []
    assert run.metrics_path.read_bytes() == b"PAR1 and no more"


def test_a_run_that_has_measured_nothing_has_an_empty_record(tmp_path):
    metrics = new_run(tmp_path).metrics()
    assert (list(metrics.columns), len(metrics)) == (["step"], 0)
