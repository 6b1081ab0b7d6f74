"""A run that is stopped, killed or out of disk loses nothing that was saved, and resumes to the same numbers."""

import contextlib
import dataclasses
import os
import signal
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
import torch

from grok.analysis.events import events
from grok.cli import main
from grok.config import OptimiserConfig, ProbesConfig, Schedule
from grok.experiments import EXPERIMENTS, grokking, runner
from grok.tracking import Store, StoreError
from grok.tracking.wandb_mirror import WandbError, WandbMirror
from grok.training import executor, stopping
from grok.training.checkpoint import checkpoints
from grok.training.probes import EmbeddingInterplay
from tests.helpers import CPU, SMALL_FLAGS, before_step, new_run, small_config

ROOT = Path(__file__).parents[2]
EXPERIMENT = grokking.EXPERIMENT


def start(root, config=None, *, experiment=EXPERIMENT, wandb="disabled"):
    wanted = [(config or small_config(), 0)]
    (run,), finished = runner.start(experiment, wanted, device=CPU, store=Store(root), wandb=wandb, command=["grok"])
    return run, finished


def resume(run, **how):
    (resumed,), finished = runner.resume(run, EXPERIMENTS, **how)
    assert resumed == run
    return finished


def interrupt_before(monkeypatch, step):
    """Let the next run be interrupted as by Ctrl-C, before its given step."""
    monkeypatch.setattr(runner, "_interruptible", lambda: contextlib.nullcontext(before_step(step)))


def save_at_every_block(monkeypatch):
    monkeypatch.setattr(runner, "SAVE_INTERVAL", 0.0)
    monkeypatch.setattr(runner, "SAVE_SHARE", 1e9)


def train_in_subprocess(root, steps, *, prelude=""):
    code = f"import sys\n{prelude}\nfrom grok.cli import main\nsys.exit(main(sys.argv[1:]))"
    command = [sys.executable, "-c", code, "train", "grokking", *SMALL_FLAGS]
    return subprocess.Popen(
        [*command, "--steps", str(steps), "--runs", str(root)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def only_run(root):
    (run,) = Store(root).runs()
    return run


def assert_same_record(run, expected):
    pd.testing.assert_frame_equal(run.metrics(), expected.metrics(), check_exact=True)
    assert run.manifest()["summary"] == expected.manifest()["summary"]


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory):
    run, finished = start(tmp_path_factory.mktemp("uninterrupted"))
    assert finished
    return run


def test_a_finished_run_says_what_it_came_to(uninterrupted):
    manifest, metrics = uninterrupted.manifest(), uninterrupted.metrics()
    assert (manifest["status"], manifest["step"]) == ("finished", 120)
    assert metrics["step"].tolist() == list(range(121))
    assert metrics["interplay/embedding/mir"].notna().all()
    assert metrics.loc[metrics["train/loss"].notna(), "step"].tolist() == list(range(0, 121, 10))
    assert manifest["summary"]["events"] == events(metrics)
    assert manifest["summary"]["last"] == metrics.iloc[-1].to_dict()
    assert manifest["timings"]["wall_seconds"] > 0
    assert list(checkpoints(uninterrupted)) == [120]


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


def test_ctrl_c_saves_and_prints_the_command_that_resumes(tmp_path):
    steps = 400
    process = train_in_subprocess(tmp_path, steps)
    assert process.stderr.readline().startswith("step 0 of at most 400")
    process.send_signal(signal.SIGINT)
    out, _ = process.communicate(timeout=60)
    run = only_run(tmp_path)
    step = run.manifest()["step"]
    assert process.returncode == 130
    assert out == f"\nInterrupted at step {step}; all is saved. Go on with:\n    grok resume {run.path}\n"
    assert run.manifest()["status"] == "interrupted"
    assert 0 <= step < steps
    assert main(["resume", str(run.path), "--wandb", "disabled"]) == 0
    assert_same_record(run, start(tmp_path / "other", small_config(steps=steps))[0])


def test_a_run_killed_with_its_record_ahead_of_its_checkpoint_resumes_to_the_same_record(tmp_path, uninterrupted):
    prelude = """
import os, signal
from grok.experiments import runner
runner.SAVE_INTERVAL, runner.SAVE_SHARE = 0.0, 1e9
save_checkpoint = runner.save_checkpoint

def killed_at_100(run, step, model, optimiser):
    if step == 100:
        os.kill(os.getpid(), signal.SIGKILL)
    return save_checkpoint(run, step, model, optimiser)

runner.save_checkpoint = killed_at_100
"""
    process = train_in_subprocess(tmp_path, 120, prelude=prelude)
    process.communicate(timeout=60)
    assert process.returncode == -signal.SIGKILL
    run = only_run(tmp_path)
    assert run.metrics()["step"].iloc[-1] == 99
    assert max(checkpoints(run)) == 50
    assert (run.manifest()["status"], run.manifest()["step"]) == ("interrupted", 50)
    assert main(["resume", run.id, "--runs", str(tmp_path), "--wandb", "disabled"]) == 0
    assert_same_record(run, uninterrupted)


def test_a_checkpoint_never_runs_ahead_of_the_record_where_measuring_lags(tmp_path, monkeypatch, uninterrupted):
    monkeypatch.setattr(executor.SideStream, "exists", True)  # as on a GPU: a block is measured during the next
    save_at_every_block(monkeypatch)
    save_checkpoint, saved = runner.save_checkpoint, []

    def save(run, step, *what):
        saved.append((step, run.metrics()["step"].tolist()))
        return save_checkpoint(run, step, *what)

    monkeypatch.setattr(runner, "save_checkpoint", save)
    run, _ = start(tmp_path)
    assert [step for step, _ in saved] == [100, 120]
    assert saved[0][1] == list(range(100))
    assert_same_record(run, uninterrupted)


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
    assert line.endswith(": delete it to go on from step-00000050.safetensors")
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


def test_a_diverged_run_keeps_its_rows_and_says_why_it_ended(tmp_path):
    config = small_config(optimiser=OptimiserConfig(learning_rate=1e30, warmup_steps=0))
    run, finished = start(tmp_path, config)
    assert (run.manifest()["status"], finished) == ("failed", True)
    assert run.manifest()["error"].startswith("the training loss is ")
    assert run.metrics()["step"].tolist() == [0]
    assert run.metrics()["train/loss"].iloc[0] == pytest.approx(2.44, abs=0.3)


class Broken(EmbeddingInterplay):
    """Cannot evaluate what it observed at step 70."""

    def __init__(self):
        super().__init__(Schedule.parse("every:1"))
        self.evaluated = 0

    def evaluate(self, observed):
        if self.evaluated == 70:
            raise RuntimeError("the eigenvalues did not converge")
        self.evaluated += 1
        return super().evaluate(observed)


def with_embedding_probe(make):
    def build(config, seed, device):
        member = grokking.build(config, seed, device)
        member.learner._probes["embedding"] = make()
        return member

    return dataclasses.replace(EXPERIMENT, build=build)


def test_a_run_that_an_error_ends_keeps_its_rows_says_why_and_resumes(tmp_path, uninterrupted):
    with pytest.raises(RuntimeError, match="did not converge"):
        start(tmp_path, experiment=with_embedding_probe(Broken))
    run = only_run(tmp_path)
    assert (run.manifest()["status"], run.manifest()["error"]) == ("failed", "the eigenvalues did not converge")
    assert run.metrics()["step"].tolist() == list(range(50))
    assert resume(run, wandb="disabled")
    assert_same_record(run, uninterrupted)


def test_a_run_is_locked_while_it_trains(tmp_path, monkeypatch):
    holders = []

    def interrupted():
        holders.append(only_run(tmp_path).lock_holder())
        return False

    monkeypatch.setattr(runner, "_interruptible", lambda: contextlib.nullcontext(interrupted))
    run, _ = start(tmp_path, small_config(steps=2))
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


class CtrlC(EmbeddingInterplay):
    """Measures as it should, and presses Ctrl-C so many times at step 3."""

    def __init__(self, presses):
        super().__init__(Schedule.parse("every:1"))
        self.presses = presses
        self.step = 0

    def observe(self, snapshot):
        if self.step == 3:
            for _ in range(self.presses):
                os.kill(os.getpid(), signal.SIGINT)
        self.step += 1
        return super().observe(snapshot)


def with_ctrl_c(presses):
    return with_embedding_probe(lambda: CtrlC(presses))


def test_one_ctrl_c_ends_the_run_after_the_step_under_way_and_gives_the_handler_back(tmp_path):
    before = signal.getsignal(signal.SIGINT)
    run, finished = start(tmp_path, experiment=with_ctrl_c(1))
    assert (finished, run.manifest()["step"]) == (False, 4)
    assert signal.getsignal(signal.SIGINT) is before


@pytest.fixture
def ctrl_c_works():
    """Also where the tests run in the background of a shell, which lets its jobs ignore Ctrl-C."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("ctrl_c_works")
def test_a_second_ctrl_c_ends_the_run_at_once_and_it_resumes(tmp_path, uninterrupted):
    with pytest.raises(KeyboardInterrupt):
        start(tmp_path, experiment=with_ctrl_c(2))
    run = only_run(tmp_path)
    assert run.manifest()["status"] == "interrupted"
    assert resume(run, wandb="disabled")
    assert_same_record(run, uninterrupted)


def test_a_failed_run_that_was_resumed_to_its_end_has_no_error(tmp_path):
    run = new_run(tmp_path, config=small_config(steps=1))
    run.update(status="failed", error="no space left")
    assert resume(run, wandb="disabled")
    assert "error" not in run.manifest()


@pytest.fixture
def precision():
    before = torch.get_float32_matmul_precision()
    yield
    torch.set_float32_matmul_precision(before)


@pytest.mark.parametrize(("tf32", "allowed"), [(True, "high"), (False, "highest")])
@pytest.mark.usefixtures("precision")
def test_tf32_is_used_only_when_asked_for_and_the_run_says_so(tmp_path, monkeypatch, tf32, allowed):
    def train(tf32):
        wanted = [(small_config(steps=3), 0)]
        (run,), _ = runner.start(
            EXPERIMENT, wanted, device=CPU, store=Store(tmp_path), wandb="disabled", command=["grok"], tf32=tf32
        )
        return run

    torch.set_float32_matmul_precision("medium")
    with monkeypatch.context() as patch:
        interrupt_before(patch, 1)
        run = train(tf32)
    assert torch.get_float32_matmul_precision() == allowed
    assert (run.manifest()["tf32"], run.manifest()["executor"]) == (tf32, "eager")
    torch.set_float32_matmul_precision("medium")
    resume(run, wandb="disabled")
    assert torch.get_float32_matmul_precision() == allowed


def test_a_run_that_measures_nothing_finishes(tmp_path):
    config = dataclasses.replace(small_config(steps=2), probes=ProbesConfig.only(), settle=None)
    assert start(tmp_path, config)[1]


def test_a_run_with_a_short_settle_resumes_to_the_record_of_an_uninterrupted_one(tmp_path, monkeypatch):
    monkeypatch.setattr(stopping, "GROKKED", 0.0)  # so that test accuracy is reached at step 0
    config = dataclasses.replace(small_config(), settle=20)
    with monkeypatch.context() as patch:
        interrupt_before(patch, 30)
        run, finished = start(tmp_path, config)
    if not finished:
        resume(run, wandb="disabled")
    assert_same_record(run, start(tmp_path / "other", config)[0])


class FakeMirror(WandbMirror):
    """Takes rows in the place of wandb's."""

    made: list["FakeMirror"]

    def __init__(self, directory, **settings):
        self.directory, self.settings, self.rows, self.finished = directory, settings, [], None
        self.made.append(self)

    def log(self, step, metrics):
        self.rows.append(step)

    def finish(self, summary, exit_code=0):
        self.finished = (summary, exit_code)


@pytest.fixture
def mirrors(monkeypatch):
    made = []
    monkeypatch.setattr(FakeMirror, "made", made, raising=False)
    monkeypatch.setattr(runner, "WandbMirror", FakeMirror)
    return made


def test_the_mirrors_of_a_resumed_run_see_each_row_once_in_one_group(tmp_path, monkeypatch, mirrors):
    with monkeypatch.context() as patch:
        interrupt_before(patch, 37)
        run, _ = start(tmp_path, wandb="offline")
    resume(run, wandb="offline")
    first, second = mirrors
    assert (first.rows, second.rows) == (list(range(37)), list(range(37, 121)))
    assert [mirror.settings["group"] for mirror in mirrors] == [run.id, run.id]
    assert [mirror.settings["first_step"] for mirror in mirrors] == [0, 37]
    assert first.settings["config"] == run.manifest()["config"] | {"seed": 0}
    assert (first.finished, second.finished) == (({}, 0), (run.manifest()["summary"], 0))


def test_the_mirror_of_a_failed_run_is_ended_as_failed(tmp_path, mirrors):
    start(tmp_path, small_config(optimiser=OptimiserConfig(learning_rate=1e30)), wandb="offline")
    assert [mirror.finished for mirror in mirrors] == [({}, 1)]


def test_a_mirror_that_does_not_start_leaves_no_run(tmp_path, monkeypatch):
    def refuse(directory, **settings):
        raise WandbError("wandb has no API key")

    monkeypatch.setattr(runner, "WandbMirror", refuse)
    with pytest.raises(WandbError):
        start(tmp_path, wandb="online")
    assert list((tmp_path / "grokking").iterdir()) == []


def test_a_mirror_that_does_not_start_ends_those_of_the_stack_that_did(tmp_path, monkeypatch, mirrors):
    class Second(FakeMirror):
        def __init__(self, directory, **settings):
            if mirrors:
                raise WandbError("wandb does not start")
            super().__init__(directory, **settings)

    monkeypatch.setattr(runner, "WandbMirror", Second)
    wanted = [(small_config(), seed) for seed in range(2)]
    with pytest.raises(WandbError):
        runner.start(EXPERIMENT, wanted, device=CPU, store=Store(tmp_path), wandb="offline", command=["grok"])
    assert [mirror.finished for mirror in mirrors] == [({}, 1)]
    assert list((tmp_path / "grokking").iterdir()) == []


@pytest.mark.parametrize("status", ["interrupted", "failed"])
def test_an_unfinished_run_of_the_same_config_and_seed_is_to_be_resumed(tmp_path, status):
    run = new_run(tmp_path)
    assert runner.find_existing(Store(tmp_path), EXPERIMENT, small_config(), 1) is None
    run.update(status=status, step=40)
    message = f"run {run.id} was {status} at step 40: go on with it by `grok resume {run.path}`, or train another"
    with pytest.raises(runner.RunExistsError, match=message):
        runner.refuse_unfinished(runner.find_existing(Store(tmp_path), EXPERIMENT, small_config(), 0))
    run.update(status="finished")
    runner.refuse_unfinished(runner.find_existing(Store(tmp_path), EXPERIMENT, small_config(), 0))


def test_a_run_in_use_is_neither_trained_again_nor_resumed(tmp_path):
    run = new_run(tmp_path)
    message = f"run {run.id} is in use by process {os.getpid()}: wait for it, stop it, or train another"
    with run.lock():
        with pytest.raises(runner.RunExistsError, match=message):
            runner.find_existing(Store(tmp_path), EXPERIMENT, small_config(), 0)
        with pytest.raises(StoreError, match=message):
            resume(run, wandb="disabled")


def test_a_run_whose_checkpoints_are_gone_is_not_begun_again_over_its_record(tmp_path):
    run = new_run(tmp_path)
    run.update(status="interrupted", step=50)
    with pytest.raises(StoreError, match="checkpoints is empty: restore it, or train anew beside it with --again"):
        runner.resume(run, EXPERIMENTS)


def test_a_run_of_an_unknown_experiment_is_named(tmp_path):
    run = new_run(tmp_path)
    run.update(experiment="alchemy")
    with pytest.raises(StoreError, match="of the experiment 'alchemy', which this version does not know"):
        runner.resume(run, EXPERIMENTS)
