"""The store names, finds and locks runs, and says what is wrong with a damaged one without touching it."""

import errno
import json
import os
import subprocess
import sys
import threading
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from grok.config import config_hash
from grok.tracking import Store, StoreError, store
from tests.helpers import new_run, small_config

HASH = config_hash(small_config())


def table(**columns):
    return pa.table({"step": pa.array(range(len(next(iter(columns.values())))), pa.int64())} | columns)


def test_an_id_says_config_and_seed_and_a_second_run_of_them_is_numbered(tmp_path):
    ids = [new_run(tmp_path, seed=7).id for _ in range(3)]
    assert ids == [f"add-p11-{HASH}-seed7", f"add-p11-{HASH}-seed7-2", f"add-p11-{HASH}-seed7-3"]
    assert (tmp_path / "grokking" / ids[2] / "run.json").exists()


def test_a_manifest_holds_what_the_run_was_made_with(tmp_path):
    manifest = new_run(tmp_path, seed=7).manifest()
    assert manifest["config"]["task"] == {"operation": "add", "modulus": 11, "train_fraction": 0.5}
    assert manifest["command"] == ["grok", "train", "grokking"]
    expected = {"format": 1, "experiment": "grokking", "config_hash": HASH, "seed": 7, "step": 0, "device": "cpu"}
    assert manifest | expected == manifest


def test_find_gives_the_runs_of_one_config_and_seed_alone(tmp_path):
    first, _, _, second = (new_run(tmp_path, seed=seed) for seed in (1, 10, 2, 1))
    new_run(tmp_path, seed=1, config=small_config(steps=7))
    found = Store(tmp_path).find(experiment="grokking", config_hash=HASH, seed=1)
    assert [run.path for run in found] == [first.path, second.path]
    assert Store(tmp_path).find(experiment="supervised", config_hash=HASH, seed=1) == []


def test_runs_are_listed_in_the_order_in_which_they_were_made(tmp_path):
    early, late = new_run(tmp_path, seed=2), new_run(tmp_path, seed=1)
    early.update(created="2026-01-01T00:00:00+00:00")
    late.update(created="2026-01-01T00:00:01+00:00")
    assert [run.id for run in Store(tmp_path).runs()] == [early.id, late.id]


def test_a_run_opens_by_its_folder_its_id_or_a_part_that_only_it_has(tmp_path):
    run, again, other = new_run(tmp_path), new_run(tmp_path), new_run(tmp_path, seed=1)
    opened = Store(tmp_path).open
    assert opened(str(run.path)).path == run.path
    assert opened(run.id).path == run.path  # although the id is a part of again's id
    assert opened("seed0-2").path == again.path
    assert opened("seed1").path == other.path


def test_a_name_of_no_run_and_of_several_is_refused(tmp_path):
    run, again = new_run(tmp_path), new_run(tmp_path)
    with pytest.raises(StoreError, match=r"no run 'seed9' in .*: see `grok list`"):
        Store(tmp_path).open("seed9")
    with pytest.raises(StoreError, match=f"'p11' could be any of {run.id}, {again.id}: name one of them"):
        Store(tmp_path).open("p11")


def test_a_locked_run_is_running_and_keeps_a_second_process_out(tmp_path):
    run = new_run(tmp_path)
    code = "import sys, pathlib, grok.tracking as t\nwith t.Run(pathlib.Path(sys.argv[1])).lock(): pass"
    command = [sys.executable, "-c", code, str(run.path)]
    with run.lock():
        assert run.manifest()["status"] == "running"
        refused = subprocess.run(command, cwd=Path(__file__).parents[2], capture_output=True, text=True, check=False)
    assert refused.returncode == 1
    assert f"run {run.id} is in use by process {os.getpid()}: wait for it, stop it, or" in refused.stderr
    with run.lock():  # which has been let go of
        pass


def test_who_looks_for_a_run_to_train_waits_for_another_that_does_until_it_is_done_or_killed(tmp_path):
    code = (
        "import sys, pathlib, time, grok.tracking as t\n"
        "with t.Store(pathlib.Path(sys.argv[1])).lock('grokking'): print('held', flush=True); time.sleep(600)"
    )
    other = subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path)], cwd=Path(__file__).parents[2], stdout=subprocess.PIPE, text=True
    )
    assert other.stdout.readline() == "held\n"
    entered = threading.Event()

    def enter():
        with Store(tmp_path).lock("grokking"):
            entered.set()

    waiting = threading.Thread(target=enter)
    waiting.start()
    assert not entered.wait(0.3)
    other.kill()
    assert entered.wait(10)
    waiting.join()
    other.communicate()


def test_a_run_whose_process_is_gone_is_interrupted(tmp_path):
    run = new_run(tmp_path)
    with run.lock():
        run.update(status="running", step=40)
    assert json.loads((run.path / "run.json").read_text())["status"] == "running"
    assert run.manifest()["status"] == "interrupted"
    run.update(status="finished")
    assert run.manifest()["status"] == "finished"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ('{"format": 1, "exper', r"run\.json cannot be read \(.*\): restore it, or move the folder away"),
        ('{"format": 99}', r"run\.json: expected a run of format 1: another version of grok wrote it"),
        ("[]", r"run\.json: expected a run of format 1"),
    ],
    ids=["truncated", "other version", "no manifest"],
)
def test_a_damaged_manifest_is_named_with_its_mend_and_left_alone(tmp_path, content, message):
    run = new_run(tmp_path)
    path = run.path / "run.json"
    path.write_text(content)
    with pytest.raises(StoreError, match=message):
        run.manifest()
    with pytest.raises(StoreError, match=message):
        run.update(status="finished")
    assert path.read_text() == content


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
    monkeypatch.setattr(store, "ROW_GROUP_SIZE", 4)
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


def test_a_run_that_cannot_be_made_leaves_no_folder(tmp_path, monkeypatch):
    def full(path, write):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(store, "write_atomically", full)
    with pytest.raises(StoreError, match=r"cannot make a run in .* \(No space left on device\): make room or choose"):
        new_run(tmp_path)
    assert list((tmp_path / "grokking").iterdir()) == []


def test_an_unreadable_run_is_named_and_hides_no_other(tmp_path, capsys):
    good, bad = new_run(tmp_path, seed=0), new_run(tmp_path, seed=1)
    (bad.path / "run.json").write_text("{")
    assert Store(tmp_path).runs() == [good]
    assert f"grok: left out: {bad.path}/run.json cannot be read" in capsys.readouterr().err
    assert Store(tmp_path).open("seed0") == good
