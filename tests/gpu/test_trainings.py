"""Whole runs end, resume where they were stopped, and leave small records."""

import dataclasses
import itertools

import pytest

from grok.experiment import experiment
from grok.experiments.grokking import paper
from grok.gpu.job import FailedError, LeftOutError, OutOfTimeError
from grok.gpu.sizes import FULL
from grok.gpu.trainings import _paper, controls, kinds_of_control, paper_run, preset
from grok.tracking import Store
from tests.gpu.helpers import measure, tiny_job


def stop_after(steps):
    """A `stopped` that is true from the given call on; the engine asks before each step."""
    count = itertools.count()
    return lambda: next(count) >= steps


def runs(out, folder="runs"):
    return Store(out / folder).runs()


def test_the_paper_run_is_the_preset(tmp_path):
    job = dataclasses.replace(tiny_job(tmp_path), sizes=FULL)
    assert _paper(job) == paper()


def test_a_run_that_is_stopped_goes_on_to_the_same_record(tmp_path):
    measuring = paper_run(tiny_job(tmp_path / "halves", stopped=stop_after(5)))
    (row,) = next(measuring).rows
    assert (row["state"], row["steps"]) == ("interrupted", 5)
    with pytest.raises(OutOfTimeError, match=r"^at step 5; the same command goes on$"):
        next(measuring)
    assert runs(tmp_path / "halves", "records") == []
    (table,), message = measure(paper_run(tiny_job(tmp_path / "halves")))
    measure(paper_run(tiny_job(tmp_path / "whole")))
    assert (table.rows[0]["state"], table.rows[0]["steps"]) == ("finished", 12)
    assert message == "has not grokked by step 12"
    (halves,), (whole,) = runs(tmp_path / "halves"), runs(tmp_path / "whole")
    assert halves.metrics().equals(whole.metrics())


def test_a_finished_run_leaves_a_small_record(tmp_path):
    measure(paper_run(tiny_job(tmp_path)))
    (copy,) = runs(tmp_path, "records")
    assert copy.manifest()["exported"]["rows_a_decade"] == 20
    assert copy.manifest()["command"] == ["python", "-m", "grok.gpu", "--device", "cpu"]
    assert copy.last_row()["step"] == 12


def test_the_controls_are_those_that_the_figures_know():
    grokking = experiment("grokking")
    kinds = kinds_of_control(paper(), 15_000)
    assert {kind: grokking.control(config, paper()) for kind, config in kinds.items()} == {
        "grokking": None,
        "weight decay 0": "weight decay 0",
        "random labels": "random labels",
        "too little data": "too little data",
    }
    assert kinds["grokking"] == paper()
    assert {kinds[kind].steps for kind in list(kinds)[1:]} == {15_000}


def test_controls_train_in_two_stacks_and_are_told_by_kind(tmp_path):
    said = []
    (table,), message = measure(controls(tiny_job(tmp_path, said=said, modulus=13)))
    assert said == ["8 runs in 2 stacks"]
    assert message == "8 runs in 2 stacks"
    assert [(row["kind"], row["runs"], row["finished"], row["grokked"]) for row in table.rows] == [
        ("grokking", 2, 2, 0),
        ("weight decay 0", 2, 2, 0),
        ("random labels", 2, 2, 0),
        ("too little data", 2, 2, 0),
    ]
    assert sorted(len(run.manifest()["stack"]) for run in runs(tmp_path)) == [2] * 2 + [6] * 6
    assert len(runs(tmp_path, "records")) == 8


def test_the_paper_run_is_one_of_the_grokking_runs_beside_the_controls(tmp_path):
    job = tiny_job(tmp_path, control_seeds=1)
    measure(paper_run(job))
    (table,), _ = measure(controls(job))
    assert [row["finished"] for row in table.rows] == [1, 1, 1, 1]
    assert len(runs(tmp_path)) == len(runs(tmp_path, "records")) == 4


def test_controls_that_are_stopped_show_what_has_begun_and_go_on(tmp_path):
    measuring = controls(tiny_job(tmp_path, modulus=13, stopped=stop_after(3)))
    assert [(row["kind"], row["finished"]) for row in next(measuring).rows] == [
        ("grokking", 0),
        ("weight decay 0", 0),
        ("too little data", 0),
    ]
    with pytest.raises(OutOfTimeError, match=r"^at step 3; the same command goes on$"):
        next(measuring)
    (table,), _ = measure(controls(tiny_job(tmp_path, modulus=13)))
    assert [row["finished"] for row in table.rows] == [2, 2, 2, 2]


def test_a_loss_that_diverges_is_the_failure_of_the_part(tmp_path, monkeypatch):
    from grok.gpu import trainings

    wild = dataclasses.replace(paper().optimiser, learning_rate=1e30, warmup_steps=0)
    monkeypatch.setattr(trainings, "paper", lambda: dataclasses.replace(paper(), optimiser=wild))
    measuring = paper_run(tiny_job(tmp_path))
    assert next(measuring).rows[0]["state"] == "failed"
    with pytest.raises(FailedError, match=r"^add-p11-\w+-seed0: the training loss is nan at step \d+: lower "):
        next(measuring)


def test_the_preset_trains_for_as_long_as_there_is_time(tmp_path):
    (table,), message = measure(preset(tiny_job(tmp_path, stopped=stop_after(2))))
    (row,) = table.rows
    assert (row["state"], row["steps"]) == ("interrupted", 2)
    (run,) = runs(tmp_path)
    assert message == f"2 of 6 steps; to go on: python -m grok resume {run.path}"
    (table,), message = measure(preset(tiny_job(tmp_path)))
    assert (table.rows[0]["state"], table.rows[0]["steps"], message) == ("finished", 6, "all 6 steps")
    assert len(runs(tmp_path, "records")) == 1


def test_a_preset_without_its_data_is_left_out_with_how_to_provide_them(tmp_path):
    with pytest.raises(LeftOutError) as caught:
        measure(preset(tiny_job(tmp_path, preset="gpu")))
    assert str(caught.value).startswith(
        f"no data: cifar10: expected train.parquet or train-00000-of-00001.parquet in {tmp_path}"
    )
    assert runs(tmp_path) == []
