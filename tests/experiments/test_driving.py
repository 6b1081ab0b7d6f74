"""A run that is stopped, killed or out of disk space keeps everything that was saved and measured."""

import dataclasses
import itertools
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from grok.analysis.events import events
from grok.cli import main
from grok.config import OptimiserConfig, ProbesConfig, Schedule
from grok.experiment import experiment
from grok.experiments import driving, runner
from grok.tracking.wandb_mirror import WandbError, WandbMirror
from grok.training import executor
from grok.training.checkpoint import checkpoints
from grok.training.probes import EmbeddingInterplay
from tests.experiments.helpers import (
    EXPERIMENT,
    altered,
    assert_same_record,
    interrupt_before,
    only_run,
    resume,
    save_at_every_block,
    setup,
    start,
)
from tests.helpers import FAIL_SAFE, SMALL_FLAGS, new_run, small_config

ROOT = Path(__file__).parents[2]


def train_in_subprocess(root, *, prelude):
    code = f"import sys\n{prelude}\nfrom grok.cli import main\nsys.exit(main(sys.argv[1:]))"
    command = [sys.executable, "-c", code, "train", "grokking", *SMALL_FLAGS]
    return subprocess.Popen(
        [*command, "--steps", "120", "--weights", "off", "--runs", str(root)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


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
    assert list(checkpoints(uninterrupted)) == [120]


def test_the_seconds_of_a_run_add_up_over_its_resumptions(tmp_path, monkeypatch):
    seconds = itertools.count()
    monkeypatch.setattr(driving, "time", SimpleNamespace(monotonic=lambda: float(next(seconds))))
    with monkeypatch.context() as patch:
        interrupt_before(patch, 2)
        run, _ = start(tmp_path, small_config(steps=4))
    before = run.manifest()["timings"]["wall_seconds"]
    resume(run, wandb="disabled")
    after = run.manifest()["timings"]
    assert after["wall_seconds"] > before > 0
    assert after["steps_per_second"] == round(4 / after["wall_seconds"], 1)


@pytest.mark.torture
def test_ctrl_c_saves_and_prints_the_command_that_resumes(tmp_path, uninterrupted):
    prelude = """
from grok.training.progress import Progress
update = Progress.update

def update_and_wait(*arguments, **named):
    update(*arguments, **named)
    sys.stdin.read()

Progress.update = update_and_wait
"""
    process = train_in_subprocess(tmp_path, prelude=prelude)
    assert process.stderr.readline().startswith("step 0 of at most 120")
    process.send_signal(signal.SIGINT)
    out, _ = process.communicate(timeout=FAIL_SAFE)  # which ends the wait
    run = only_run(tmp_path)
    step = run.manifest()["step"]
    assert process.returncode == 130
    assert out == f"\nInterrupted at step {step}; everything is saved. To continue:\n    grok resume {run.path}\n"
    assert run.manifest()["status"] == "interrupted"
    assert 0 <= step < 120
    assert main(["resume", str(run.path), "--wandb", "disabled"]) == 0
    assert_same_record(run, uninterrupted)


def assert_resumes_from_a_record_ahead_of_its_checkpoint(root, uninterrupted):
    run = only_run(root)
    assert run.metrics()["step"].iloc[-1] == 99
    assert max(checkpoints(run)) == 50
    assert (run.manifest()["status"], run.manifest()["step"]) == ("interrupted", 50)
    assert main(["resume", run.id, "--runs", str(root), "--wandb", "disabled"]) == 0
    assert_same_record(run, uninterrupted)


def test_what_a_kill_between_record_and_checkpoint_leaves_resumes_to_the_same_record(
    tmp_path, monkeypatch, uninterrupted
):
    save_checkpoint = driving.save_checkpoint

    def save(run, step, member):
        if step == 100:
            shutil.copytree(tmp_path / "runs", tmp_path / "left")
        return save_checkpoint(run, step, member)

    with monkeypatch.context() as patch:
        save_at_every_block(patch)
        patch.setattr(driving, "save_checkpoint", save)
        start(tmp_path / "runs")
    assert_resumes_from_a_record_ahead_of_its_checkpoint(tmp_path / "left", uninterrupted)


@pytest.mark.torture
def test_a_run_killed_with_its_record_ahead_of_its_checkpoint_resumes_to_the_same_record(tmp_path, uninterrupted):
    prelude = """
import os, signal
from grok.experiments import driving
driving.SAVE_INTERVAL, driving.SAVE_SHARE = 0.0, 1e9
save_checkpoint = driving.save_checkpoint

def killed_at_100(run, step, member):
    if step == 100:
        os.kill(os.getpid(), signal.SIGKILL)
    return save_checkpoint(run, step, member)

driving.save_checkpoint = killed_at_100
"""
    process = train_in_subprocess(tmp_path, prelude=prelude)
    process.communicate(timeout=FAIL_SAFE)
    assert process.returncode == -signal.SIGKILL
    assert_resumes_from_a_record_ahead_of_its_checkpoint(tmp_path, uninterrupted)


def test_a_checkpoint_never_runs_ahead_of_the_record_where_measuring_lags(tmp_path, monkeypatch, uninterrupted):
    monkeypatch.setattr(executor.SideStream, "exists", True)  # as on a GPU: a block is measured during the next
    save_at_every_block(monkeypatch)
    save_checkpoint, saved = driving.save_checkpoint, []

    def save(run, step, member):
        saved.append((step, run.metrics()["step"].tolist()))
        return save_checkpoint(run, step, member)

    monkeypatch.setattr(driving, "save_checkpoint", save)
    run, _ = start(tmp_path)
    assert [step for step, _ in saved] == [100, 120]
    assert saved[0][1] == list(range(100))
    assert_same_record(run, uninterrupted)


def test_a_diverged_run_keeps_its_rows_and_says_why_it_ended(tmp_path):
    config = small_config(optimiser=OptimiserConfig(learning_rate=1e30, warmup_steps=0))
    run, finished = start(tmp_path, config)
    assert (run.manifest()["status"], finished) == ("failed", True)
    assert run.manifest()["error"].startswith("the training loss is ")
    assert run.metrics()["step"].tolist() == [0]
    assert run.metrics()["train/loss"].iloc[0] == pytest.approx(2.44, abs=0.3)


class Broken(EmbeddingInterplay):
    """A probe that fails to evaluate its observation of step 70."""

    def __init__(self):
        super().__init__(Schedule.parse("every:1"))
        self.evaluated = 0

    def evaluate(self, observed):
        if self.evaluated == 70:
            raise RuntimeError("the eigenvalues did not converge")
        self.evaluated += 1
        return super().evaluate(observed)


def with_embedding_probe(make):
    def build(config, seed, device, folder):
        member = experiment("grokking").build(config, seed, device)
        member.learner._probes["embedding"] = make()
        return member

    return altered(build=build)


def test_a_run_that_an_error_ends_keeps_its_rows_says_why_and_resumes(tmp_path, uninterrupted):
    with pytest.raises(RuntimeError, match="did not converge"):
        start(tmp_path, experiment=with_embedding_probe(Broken))
    run = only_run(tmp_path)
    assert (run.manifest()["status"], run.manifest()["error"]) == ("failed", "the eigenvalues did not converge")
    assert run.metrics()["step"].tolist() == list(range(50))
    assert resume(run, wandb="disabled")
    assert_same_record(run, uninterrupted)


class CtrlC(EmbeddingInterplay):
    """A probe that measures correctly and sends Ctrl-C the given number of times at step 3."""

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
        (run,), _ = runner.start(EXPERIMENT, wanted, setup(tmp_path, tf32=tf32))
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


class FakeMirror(WandbMirror):
    """A mirror that receives rows in place of wandb."""

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
    monkeypatch.setattr(driving, "WandbMirror", FakeMirror)
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

    monkeypatch.setattr(driving, "WandbMirror", refuse)
    with pytest.raises(WandbError):
        start(tmp_path, wandb="online")
    assert [path.name for path in (tmp_path / "grokking").iterdir()] == [".lock"]


def test_a_mirror_that_does_not_start_ends_those_of_the_stack_that_did(tmp_path, monkeypatch, mirrors):
    class Second(FakeMirror):
        def __init__(self, directory, **settings):
            if mirrors:
                raise WandbError("wandb does not start")
            super().__init__(directory, **settings)

    monkeypatch.setattr(driving, "WandbMirror", Second)
    wanted = [(small_config(), seed) for seed in range(2)]
    with pytest.raises(WandbError):
        runner.start(EXPERIMENT, wanted, setup(tmp_path, wandb="offline"))
    assert [mirror.finished for mirror in mirrors] == [({}, 1)]
    assert [path.name for path in (tmp_path / "grokking").iterdir()] == [".lock"]


def test_a_run_that_nobody_watches_ends_when_it_is_told_and_says_nothing(tmp_path, capsys):
    before = signal.getsignal(signal.SIGINT)
    handlers = []

    def stop():
        handlers.append(signal.getsignal(signal.SIGINT))
        return len(handlers) > 5

    (run,), finished = runner.start(EXPERIMENT, [(small_config(), 0)], setup(tmp_path), stop=stop)
    assert (finished, run.manifest()["status"], run.manifest()["step"]) == (False, "interrupted", 5)
    assert set(handlers) == {before}
    assert capsys.readouterr() == ("", "")
