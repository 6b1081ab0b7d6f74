"""An exported run is a small copy that keeps chosen rows and columns of the record, and the matching run.json."""

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from grok.tracking import Store, StoreError
from grok.tracking.export import export_run, thinned
from tests.figures.helpers import add_run, constant

COLUMNS = {
    "test/accuracy": lambda steps: steps / 20_000,
    "test/loss": lambda steps: np.exp(-steps),
    "x/mir": constant(1),
}


@pytest.fixture
def run(tmp_path):
    return add_run(Store(tmp_path / "runs"), COLUMNS, steps=20_000, seed=3, sweeps=["mine"])


def test_rows_are_thinned_and_columns_chosen_by_pattern(run, tmp_path):
    copy, _ = export_run(run, tmp_path / "small", rows=20, columns=["test/*"])
    record, whole = copy.metrics(), run.metrics().set_index("step")
    assert list(record.columns) == ["step", "test/accuracy", "test/loss"]
    assert record["step"].iloc[[0, -1]].tolist() == [0, 20_000]
    assert 40 < len(record) < 90
    expected = whole.loc[record["step"], "test/accuracy"]
    np.testing.assert_allclose(record["test/accuracy"], expected, rtol=1e-7)
    assert set(record.dtypes.astype(str)) == {"int64", "float32"}


def test_the_copy_is_found_like_any_run_and_says_what_it_is(run, tmp_path):
    run.update(command=["/opt/bin/grok", "train", "--runs", str(tmp_path), "--steps", "9", f"--runs={tmp_path}"])
    copy, _ = export_run(run, tmp_path / "small", rows=20)
    (found,) = Store(tmp_path / "small").runs()
    assert found == copy
    exported = {"rows_a_decade": 20, "columns": ["*"], "dtype": "float32"}
    assert found.manifest() == run.manifest() | {"exported": exported, "command": ["grok", "train", "--steps", "9"]}
    assert sorted(path.name for path in copy.path.iterdir()) == ["metrics.parquet", "run.json"]
    assert copy.metrics_path.stat().st_size < run.metrics_path.stat().st_size / 4


def test_the_summary_loses_values_of_columns_that_are_not_kept_and_no_step(run, tmp_path):
    extrema = {"mir_max": {"step": 7, "value": 0.9}}
    events = {"grokked": 90, "sample/test": extrema, "embedding": extrema, "turns": {"weight_norm": {"detected": 4}}}
    last = {"test/accuracy": 1.0, "interplay/sample/test/mir": 0.4, "weight_norm": 3.0}
    twin = {"events": {"grokked": None, "embedding": extrema}, "last": {"test/accuracy": 0.1, "weight_norm": 3.0}}
    run.update(summary={"events": events, "last": last, "twin": twin})
    run.append_table(pa.table({"step": [20_001], "interplay/sample/test/mir": [0.4]}), first_step=20_001)
    copy, _ = export_run(run, tmp_path / "small", rows=20, columns=["test/*", "interplay/sample/*"])
    assert copy.manifest()["summary"] == {
        "events": {name: value for name, value in events.items() if name != "embedding"},
        "last": {"test/accuracy": 1.0, "interplay/sample/test/mir": 0.4},
        "twin": {"events": {"grokked": None}, "last": {"test/accuracy": 0.1}},
    }


def contents(folder):
    return {path.name: (path.read_bytes(), path.stat().st_mtime_ns) for path in folder.iterdir()}


def test_the_same_copy_is_left_as_it_is_but_for_the_sweeps_that_it_is_of(run, tmp_path):
    copy, new = export_run(run, tmp_path / "small", rows=20)
    before = contents(copy.path)
    assert new
    assert export_run(run, tmp_path / "small", rows=20) == (copy, False)
    assert contents(copy.path) == before
    run.update(sweeps=["mine", "yours"])
    assert export_run(run, tmp_path / "small", rows=20) == (copy, False)
    assert copy.manifest()["sweeps"] == ["mine", "yours"]
    assert contents(copy.path)["metrics.parquet"] == before["metrics.parquet"]


@pytest.mark.parametrize(
    ("other", "message"),
    [
        ({"rows": 30}, r"expected exported .*'rows_a_decade': 30.*, got .*'rows_a_decade': 20.*; delete it, or choose"),
        ({"columns": ["x/*"]}, r"expected exported .*'columns': \['x/\*'\].*, got .*'columns': \['\*'\]"),
    ],
)
def test_a_copy_that_keeps_something_else_is_not_written_over(run, tmp_path, other, message):
    copy, _ = export_run(run, tmp_path / "small", rows=20)
    before = contents(copy.path)
    with pytest.raises(StoreError, match=f"is there already: {message}"):
        export_run(run, tmp_path / "small", **({"rows": 20} | other))
    assert contents(copy.path) == before


def test_a_copy_of_another_run_of_the_same_id_is_not_written_over(run, tmp_path):
    copy, _ = export_run(run, tmp_path / "small", rows=20)
    other = add_run(Store(tmp_path / "others"), COLUMNS, steps=20_000, seed=3)
    assert other.id == copy.id
    with pytest.raises(StoreError, match=r"is there already: expected created .*, got .*; delete it, or choose"):
        export_run(other, tmp_path / "small", rows=20)


def test_patterns_of_no_column_are_refused(run, tmp_path):
    with pytest.raises(StoreError, match=r"has no column like test/acuracy: expected patterns such as"):
        export_run(run, tmp_path / "small", rows=20, columns=["test/acuracy"])
    assert not (tmp_path / "small").exists()


def test_an_unfinished_run_is_refused(tmp_path):
    run = add_run(Store(tmp_path / "runs"), COLUMNS, status="interrupted")
    with pytest.raises(StoreError, match="is interrupted: expected a finished one to export"):
        export_run(run, tmp_path / "small", rows=20)
    assert not (tmp_path / "small").exists()


def test_cells_that_were_not_measured_stay_empty(run, tmp_path):
    table = run.metrics()
    table.loc[table["step"] % 100 != 0, "x/mir"] = np.nan
    assert thinned(table.set_index("step"), 20)["x/mir"].isna().any()


def test_thinning_keeps_the_first_and_last_row_and_spaces_the_rest_evenly_in_log_step():
    steps = np.arange(0, 40_001)
    kept = thinned(pd.DataFrame({"value": steps}, index=steps), 150)
    assert kept.index[0] == 0
    assert kept.index[-1] == 40_000
    late = kept.index[kept.index > 1000].to_numpy() + 1.0
    ratios = late[1:] / late[:-1]
    assert ratios.max() / ratios.min() < 1.01


def test_the_first_and_last_row_of_each_phase_are_kept():
    steps = np.arange(100)
    record = pd.DataFrame({"pruning/sparsity": (steps // 10) / 10, "test/accuracy": steps / 100}, index=steps)
    kept = thinned(record, 2, ["pruning/sparsity"]).index
    assert {*range(0, 100, 10), *range(9, 100, 10)} <= set(kept)
    assert len(kept) < 30
    assert len(thinned(record, 2)) < 10
