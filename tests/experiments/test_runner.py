"""A run starts once, belongs to one process, and resumes with the same results, device and executor."""

import contextlib
import dataclasses
import os

import pytest

from grok.cli import main
from grok.config import OptimiserConfig
from grok.experiments import runner
from grok.tracking import Run, RunInUseError, Store, StoreError
from grok.training import executor, phases
from grok.training.checkpoint import checkpoints
from tests.experiments.helpers import (
    EXPERIMENT,
    assert_same_record,
    interrupt_before,
    only_run,
    resume,
    save_at_every_block,
    setup,
    start,
)
from tests.helpers import new_run, small_config


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory):
    run, finished = start(tmp_path_factory.mktemp("uninterrupted"))
    assert finished
    return run


@pytest.mark.parametrize("step", [0, 1, 37, 50, 99, 119])
def test_an_interrupted_run_resumes_to_the_record_of_an_uninterrupted_one(tmp_path, monkeypatch, uninterrupted, step):
    with monkeypatch.context() as patch:
        interrupt_before(patch, step)
        run, finished = start(tmp_path)
    assert not finished
    assert (run.manifest()["status"], run.manifest()["step"]) == ("interrupted", step)
    assert run.metrics()["step"].tolist() == list(range(step))
    assert resume(run, wandb="disabled")
    assert_same_record(run, uninterrupted)
    assert run.metrics_path.read_bytes() == uninterrupted.metrics_path.read_bytes()


@pytest.mark.parametrize("rule", ["adamw", "adam", "sgd", "muon"])
def test_a_run_of_any_rule_resumes_to_the_record_of_an_uninterrupted_one(tmp_path, monkeypatch, rule):
    optimiser = OptimiserConfig(rule=rule, learning_rate=1e-2, grokfast=2.0, fixed_norm=True)
    config = dataclasses.replace(small_config(steps=14, optimiser=optimiser, accuracy="every:1"), loss="stablemax")
    whole, _ = start(tmp_path / "whole", config)
    with monkeypatch.context() as patch:
        interrupt_before(patch, 7)
        run, _ = start(tmp_path / "halves", config)
    assert resume(run, wandb="disabled")
    assert_same_record(run, whole)
    assert checkpoints(run)[14].read_bytes() == checkpoints(whole)[14].read_bytes()


def test_a_step_that_cannot_be_captured_is_not_started_as_a_graph(tmp_path):
    wanted = [(small_config(), 0), (small_config(optimiser=OptimiserConfig(rule="muon")), 0)]
    expected = r"^executor: expected eager with the rule muon, whose update no graph can capture, got graph$"
    with pytest.raises(ValueError, match=expected):
        runner.start(EXPERIMENT, wanted, setup(tmp_path, executor="graph"))
    assert not list(tmp_path.iterdir())


def test_the_mend_of_a_damaged_checkpoint_works(tmp_path, monkeypatch, capsys, uninterrupted):
    save_at_every_block(monkeypatch)
    with monkeypatch.context() as patch:
        interrupt_before(patch, 99)
        run, _ = start(tmp_path)
    newest = checkpoints(run)[99]
    newest.write_bytes(newest.read_bytes()[:-1])
    capsys.readouterr()
    resume = ["resume", str(run.path), "--wandb", "disabled"]
    assert main(resume) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"grok: {newest} is damaged (")
    assert line.endswith(": delete it to continue from step-00000050.safetensors")
    newest.unlink()
    assert main(resume) == 0
    assert_same_record(run, uninterrupted)


def test_a_run_whose_record_is_gone_is_not_resumed_into_half_a_record(tmp_path, monkeypatch):
    with monkeypatch.context() as patch:
        interrupt_before(patch, 20)
        run, _ = start(tmp_path)
    run.metrics_path.unlink()
    with pytest.raises(StoreError, match=r"metrics.parquet is missing: restore it, or train anew .* --again"):
        resume(run, wandb="disabled")


def test_a_run_trained_on_a_gpu_is_not_resumed_without_one(tmp_path, monkeypatch):
    monkeypatch.setattr(runner.torch.cuda, "is_available", lambda: False)
    run = new_run(tmp_path)
    run.update(device="cuda", status="interrupted")
    with pytest.raises(StoreError, match="was trained on a GPU and there is none here"):
        resume(run, wandb="disabled")


def test_a_run_is_locked_while_it_trains(tmp_path):
    holders = []

    def holder_is_seen():
        holders.append(only_run(tmp_path).lock_holder())
        return False

    wanted = [(small_config(steps=2), 0)]
    (run,), _ = runner.start(EXPERIMENT, wanted, setup(tmp_path), stop=holder_is_seen)
    assert holders == [os.getpid()] * 2
    assert run.lock_holder() is None


def test_a_run_resumes_with_the_executor_that_it_had(tmp_path, monkeypatch):
    with monkeypatch.context() as patch:
        interrupt_before(patch, 2)
        run, _ = start(tmp_path, small_config(steps=4))
    run.update(executor="graph")
    used = []
    monkeypatch.setitem(executor.EXECUTORS, "graph", lambda step: used.append(step) or step)
    assert resume(run, wandb="disabled")
    assert len(used) == 1


def test_a_run_with_a_short_settle_resumes_to_the_record_of_an_uninterrupted_one(tmp_path, monkeypatch):
    monkeypatch.setattr(phases, "GROKKED", 0.0)  # so that test accuracy is reached at step 0
    config = dataclasses.replace(small_config(), settle=20)
    with monkeypatch.context() as patch:
        interrupt_before(patch, 30)
        run, finished = start(tmp_path, config)
    if not finished:
        resume(run, wandb="disabled")
    assert_same_record(run, start(tmp_path / "other", config)[0])


@pytest.mark.parametrize("status", ["interrupted", "failed"])
def test_an_unfinished_run_of_the_same_config_and_seed_is_to_be_resumed(tmp_path, status):
    run = new_run(tmp_path)
    assert runner.find_existing(Store(tmp_path), EXPERIMENT, small_config(), 1) is None
    run.update(status=status, step=40)
    message = f"run {run.name} was {status} at step 40: continue it with `grok resume {run.path}`, or train another"
    with pytest.raises(runner.RunExistsError, match=message):
        runner.refuse_unfinished(runner.find_existing(Store(tmp_path), EXPERIMENT, small_config(), 0))
    run.update(status="finished")
    runner.refuse_unfinished(runner.find_existing(Store(tmp_path), EXPERIMENT, small_config(), 0))


def test_a_run_in_use_is_neither_trained_again_nor_resumed(tmp_path):
    run = new_run(tmp_path)
    message = f"run {run.id} is in use by process {os.getpid()}: wait for it, stop it, or train another"
    with run.lock():
        with pytest.raises(RunInUseError, match=message):
            runner.find_existing(Store(tmp_path), EXPERIMENT, small_config(), 0)
        with pytest.raises(RunInUseError, match=message):
            resume(run, wandb="disabled")


def test_a_run_that_has_been_made_meanwhile_is_not_made_again_without_again(tmp_path):
    run = new_run(tmp_path)
    wanted = [(small_config(steps=1), 1), (small_config(), 0)]
    with pytest.raises(runner.RunExistsError, match=f"run {run.name} has been made meanwhile by another process"):
        runner.start(EXPERIMENT, wanted, setup(tmp_path))
    assert Store(tmp_path).runs() == [run]
    (beside,), _ = runner.start(EXPERIMENT, [(small_config(), 0)], setup(tmp_path), again=True, stop=lambda: True)
    assert Store(tmp_path).runs() == [run, beside]


def test_a_run_that_was_trained_while_it_was_looked_at_is_not_trained_from_where_it_stood(tmp_path, monkeypatch):
    interrupt_before(monkeypatch, 30)
    run, _ = start(tmp_path)

    @contextlib.contextmanager
    def lock_after_another(run):
        run.update(status="finished", step=120)
        yield

    monkeypatch.setattr(Run, "lock", lock_after_another)
    with pytest.raises(runner.RunExistsError, match=f"run {run.name} has been trained meanwhile by another process"):
        resume(run, wandb="disabled")
    assert run.manifest()["step"] == 120


def test_a_run_that_was_finished_before_it_could_be_locked_is_left_as_it_is(tmp_path):
    run = new_run(tmp_path)
    run.update(status="finished", step=120)
    assert runner.resume(run) == ([run], True)
    assert run.manifest()["step"] == 120


def test_a_run_whose_checkpoints_are_gone_is_not_begun_again_over_its_record(tmp_path):
    run = new_run(tmp_path)
    run.update(status="interrupted", step=50)
    with pytest.raises(StoreError, match="checkpoints is empty: restore it, or train anew beside it with --again"):
        runner.resume(run)


def test_a_run_of_an_unknown_experiment_is_named(tmp_path):
    run = new_run(tmp_path)
    run.update(experiment="alchemy")
    with pytest.raises(StoreError, match="belongs to the experiment 'alchemy', which this version does not know"):
        runner.resume(run)
