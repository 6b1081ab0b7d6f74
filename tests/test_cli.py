"""The command line: exit statuses, one-line errors that name what to mend, and nothing left behind by a refusal."""

import errno
import json
import os
import re
import resource
import subprocess
import sys
from contextlib import contextmanager, nullcontext
from pathlib import Path

import pytest
import torch

import grok.cli
from grok.cli import main
from grok.config import config_to_json
from grok.experiments import driving, runner
from grok.tracking import Store
from grok.tracking import files as tracking_files
from tests.figures.helpers import add_run, constant
from tests.helpers import SMALL_FLAGS, before_step, new_run, small_config

ROOT = Path(__file__).parents[1]


@pytest.fixture(autouse=True)
def called_as_grok(monkeypatch):
    monkeypatch.setattr(sys, "argv", ["grok"])


@pytest.fixture
def runs(tmp_path):
    return tmp_path / "runs"


def train(runs, *arguments, steps=3):
    return main(["train", "grokking", *SMALL_FLAGS, "--steps", str(steps), "--runs", str(runs), *arguments])


def error_line(capsys):
    """The one line on stderr; a run that began has progress lines before it."""
    *progress, line = capsys.readouterr().err.splitlines()
    assert all(each.startswith(("step ", "grok: the failure could not be recorded: ")) for each in progress)
    assert line.startswith("grok: ")
    return line


def tree(folder):
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


REFUSALS = {
    "modulus 1": (
        ["train", "grokking", "--config.task.modulus", "1"],
        "grok: task.modulus: expected an integer of at least 3, got 1",
    ),
    "train fraction 0": (
        ["train", "grokking", "--config.task.train-fraction", "0"],
        "grok: task.train_fraction: expected a fraction in (0, 1), got 0.0",
    ),
    "train fraction 1.5": (
        ["train", "grokking", "--config.task.train-fraction", "1.5"],
        "grok: task.train_fraction: expected a fraction in (0, 1), got 1.5",
    ),
    "a split of one class": (
        ["train", "grokking", *SMALL_FLAGS, "--config.task.train-fraction", "0.01", "--config.probes.sample", "off"],
        "grok: task.train_fraction: expected samples of at least 2 classes in train, got 1",
    ),
    "sample size": (
        ["train", "grokking", "--config.task.modulus", "11"],
        "grok: probes.sample_size: expected at most the size of the smaller split, 36, got 256",
    ),
    "negative steps": (
        ["train", "grokking", "--steps", "-1"],
        "grok: steps: expected an integer of at least 0, got -1",
    ),
    "unknown flag": (
        ["train", "grokking", "--modulus", "11"],
        "grok: Unrecognized options: --modulus, 11. Perhaps you meant: --config.task.modulus",
    ),
    "unknown experiment": (
        ["train", "groking"],
        "grok: experiment: expected one of grokking, got 'groking'; did you mean 'grokking'?",
    ),
    "unknown preset": (
        ["train", "grokking", "--preset", "desktop"],
        "grok: --preset: expected one of paper, laptop, small, s5, got 'desktop'",
    ),
    "negative seed": (["train", "grokking", "--seed", "-1"], "grok: --seed: expected an integer of at least 0, got -1"),
    "seeds that are none": (
        ["train", "grokking", "--seeds", "3-1"],
        "grok: --seeds: expected numbers and ranges such as 0-63 or 0,3,8-11, got '3-1'",
    ),
    "a seed and seeds": (
        ["train", "grokking", "--seed", "7", "--seeds", "0-1"],
        "grok: --seed: expected either --seed or --seeds, got both (7 and 0-1)",
    ),
    "a stack of none": (
        ["train", "grokking", "--seeds", "0-3", "--stack", "0"],
        "grok: --stack: expected a positive integer, got 0",
    ),
    "a stack of one run": (
        ["train", "grokking", "--stack", "4"],
        "grok: --stack: expected --seeds with it, got --stack alone: one run is no stack",
    ),
    "a graph on a CPU": (
        ["train", "grokking", "--device", "cpu", "--executor", "graph"],
        "grok: --executor: expected eager or auto where there is no GPU, got graph",
    ),
    "TF32 on a CPU": (
        ["train", "grokking", "--device", "cpu", "--tf32"],
        "grok: --tf32: expected a GPU to train on, got a CPU, which has no TF32: leave it out",
    ),
    "unknown command": (["trian"], "grok: command: expected one of train, resume, sweep, list, show"),
    "unknown section": (
        ["bench", "spectre"],
        "grok: section: expected one of step, probes, recording, stack, size, memory, startup, estimator, large, "
        "interplay, spectra, got 'spectre'",
    ),
    "unknown figure": (
        ["figures", "figure6"],
        "grok: figure: expected one of figure7, sample-sizes, operations, moduli, controls, lead-time, phase, ",
    ),
}


@pytest.mark.parametrize(
    ("arguments", "line"),
    REFUSALS.values(),
    ids=REFUSALS,
)
def test_bad_usage_is_one_line_that_names_the_setting_and_makes_nothing(runs, capsys, arguments, line):
    where = ["--runs", str(runs)] if arguments[0] in ("train", "figures") else []
    assert main([*arguments, *where]) == 2
    shown = capsys.readouterr()
    assert shown.err.startswith(line)
    assert shown.err.endswith("\n")
    assert shown.err.count("\n") == 1
    assert shown.out == ""
    assert not runs.exists()


def test_a_device_that_is_not_there_is_bad_usage(runs, capsys, monkeypatch):
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    assert train(runs, "--device", "cuda") == 2
    assert error_line(capsys).startswith("grok: --device: expected a device that this machine has, got cuda")
    assert not runs.exists()


def test_without_a_command_the_usage_is_shown_and_the_status_is_2(capsys):
    assert main([]) == 2
    bare = capsys.readouterr().out
    assert main(["--help"]) == 0
    assert capsys.readouterr().out == bare
    assert "\n    train      Train an experiment: grok train EXPERIMENT [options].\n" in bare


def test_train_without_an_experiment_lists_them(capsys):
    assert main(["train"]) == 2
    assert "    grokking   a small transformer on modular addition" in capsys.readouterr().out


def test_a_run_is_trained_listed_and_shown(runs, capsys):
    assert train(runs, "--seed", "4") == 0
    (run,) = Store(runs).runs()
    shown = capsys.readouterr().out
    assert f"run      {run.path}\nstatus   finished at step 3 after" in shown
    assert run.manifest()["command"][:3] == ["grok", "train", "grokking"]
    assert (run.manifest()["seed"], run.manifest()["config"]["steps"]) == (4, 3)
    assert main(["list", "--runs", str(runs), "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == [run.manifest()]
    assert main(["list", "--runs", str(runs)]) == 0
    assert capsys.readouterr().out.splitlines()[1].split()[:3] == [run.id, "finished", "3"]
    assert main(["show", "seed4", "--runs", str(runs), "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == run.manifest()
    assert main(["show", "seed4", "--runs", str(runs)]) == 0
    assert capsys.readouterr().out.strip() in shown


def test_a_store_without_runs_says_how_to_make_one(runs, capsys):
    assert main(["list", "--runs", str(runs)]) == 0
    assert capsys.readouterr().out == f"no runs in {runs}: `grok train grokking` makes one\n"
    assert main(["list", "--runs", str(runs), "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == []
    assert main(["figures", "--runs", str(runs)]) == 1
    assert error_line(capsys) == f"grok: no finished run in {runs} to draw: `grok train grokking` makes one"
    assert main(["figures", "cost", "--runs", str(runs)]) == 1
    assert error_line(capsys) == f"grok: no {runs}/cost.json to draw: `grok bench size --json` prints one"


def test_the_same_config_and_seed_again_changes_nothing_and_says_so(runs, capsys):
    assert train(runs) == 0
    (run,) = Store(runs).runs()
    before = tree(runs)
    capsys.readouterr()
    assert train(runs) == 0
    shown = capsys.readouterr().out
    assert shown.startswith("This config and seed have a finished run; --again makes a new one beside it.\n\nrun ")
    assert str(run.path) in shown
    assert main(["resume", str(run.path)]) == 0
    assert capsys.readouterr().out.startswith(f"This run is finished.\n\nrun      {run.path}\n")
    assert tree(runs) == before


def test_again_makes_a_second_run_with_the_same_record(runs):
    assert train(runs) == train(runs, "--again") == 0
    first, second = Store(runs).runs()
    assert second.id == f"{first.id}-2"
    assert first.metrics_path.read_bytes() == second.metrics_path.read_bytes()


def test_an_unfinished_run_is_to_be_resumed_and_can_be(runs, capsys, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(driving, "interruptible", lambda: nullcontext(before_step(2)))
        assert train(runs) == 130
    (run,) = Store(runs).runs()
    resume = f"grok resume {run.path}"
    assert capsys.readouterr().out == f"\nInterrupted at step 2; all is saved. Go on with:\n    {resume}\n"
    assert train(runs) == 1
    assert error_line(capsys) == (
        f"grok: run {run.id} was interrupted at step 2: go on with it by `{resume}`, or train another beside it "
        "with --again"
    )
    assert main([*resume.split()[1:], "--wandb", "disabled"]) == 0
    assert train(runs) == 0


@pytest.mark.parametrize(("rule", "chosen"), [("adamw", "graph"), ("muon", "eager")])
def test_on_a_gpu_a_step_is_captured_unless_its_rule_cannot_be(runs, capsys, monkeypatch, rule, chosen):
    monkeypatch.setattr(grok.cli, "_device", lambda name: torch.device("cuda"))
    executors = []
    monkeypatch.setattr(
        runner, "start", lambda experiment, wanted, setup, again: executors.append(setup.executor) or ([], False)
    )
    monkeypatch.setattr(grok.cli, "_conclude", lambda runs, finished: 0)
    assert train(runs, "--config.optimiser.rule", rule) == 0
    assert executors == [chosen]
    refused = train(runs, "--config.optimiser.rule", rule, "--executor", "graph") == 2
    assert refused == (rule == "muon")
    if refused:
        assert error_line(capsys) == (
            "grok: --executor: expected eager or auto with the rule muon, whose update no graph can capture, got "
            "graph: use --executor eager"
        )


def test_rule_and_loss_are_flags(runs):
    rule = ("--config.optimiser.rule", "sgd", "--config.optimiser.momentum", "0.5")
    held = ("--config.optimiser.fixed-norm", "--config.optimiser.grokfast", "2", "--config.loss", "stablemax")
    assert train(runs, *rule, *held) == 0
    (run,) = Store(runs).runs()
    config = run.manifest()["config"]
    assert [config["optimiser"][name] for name in ("rule", "momentum", "fixed_norm", "grokfast")] == [
        "sgd",
        0.5,
        True,
        2.0,
    ]
    assert config["loss"] == "stablemax"
    weight_norms = run.metrics()["weight_norm"].dropna()
    assert weight_norms.iloc[0] == pytest.approx(weight_norms.iloc[-1], rel=1e-6)


@pytest.mark.parametrize("command", ["resume", "show"])
def test_a_run_that_is_not_there_is_one_line(runs, capsys, command):
    assert main([command, "nothing", "--runs", str(runs)]) == 1
    assert error_line(capsys) == f"grok: no run 'nothing' in {runs}: see `grok list`"


@pytest.mark.parametrize("name", ["run.json", "metrics.parquet"])
def test_a_truncated_file_is_one_line_and_is_left_as_it_is(runs, tmp_path, capsys, name):
    assert train(runs) == 0
    (run,) = Store(runs).runs()
    path = run.path / name
    path.write_bytes(path.read_bytes()[:100])
    before = tree(runs)
    capsys.readouterr()
    command = ["show", str(run.path)] if name == "run.json" else ["figures", "--plots", str(tmp_path / "plots")]
    assert main([*command, "--runs", str(runs)]) == 1
    line = error_line(capsys)
    assert str(path) in line
    assert ": restore it" in line
    assert tree(runs) == before


def test_a_store_that_cannot_be_written_is_one_line(tmp_path, capsys):
    runs = tmp_path / "runs"
    runs.write_text("a file, so that no folder can be made, by root neither")
    assert train(runs) == 1
    assert error_line(capsys) == (
        f"grok: cannot make a run in {runs}/grokking (Not a directory): choose another --runs, or mend its permissions"
    )


class FullDisk:
    """Lets so many files be brought to disk, then none."""

    def __init__(self, monkeypatch, room):
        self.room = room
        monkeypatch.setattr(tracking_files.os, "fsync", self.fsync)

    def fsync(self, descriptor):
        if os.path.isdir(f"/proc/self/fd/{descriptor}"):
            return
        self.room -= 1
        if self.room < 0:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_a_disk_full_from_the_start_leaves_no_run(runs, capsys, monkeypatch):
    FullDisk(monkeypatch, room=0)
    assert train(runs) == 1
    assert error_line(capsys) == (
        f"grok: cannot make a run in {runs}/grokking (No space left on device): make room or choose another --runs"
    )
    assert [path.name for path in (runs / "grokking").iterdir()] == [".lock"]


def test_a_disk_that_fills_while_a_run_trains_leaves_what_was_saved_to_resume_from(runs, capsys, monkeypatch):
    monkeypatch.setattr(driving, "SAVE_INTERVAL", 0.0)
    monkeypatch.setattr(driving, "SAVE_SHARE", 1e9)
    with monkeypatch.context() as patch:
        # run.json twice to begin with, then record, checkpoint and run.json at step 50
        FullDisk(patch, room=2 + 3)
        assert train(runs, steps=120) == 1
    (run,) = Store(runs).runs()
    assert error_line(capsys) == (
        f"grok: cannot write {run.metrics_path} (No space left on device): what was saved before is intact; "
        f"make room or mend the permissions, then `grok resume {run.path}`"
    )
    assert run.metrics()["step"].tolist() == list(range(50))
    assert (run.manifest()["status"], run.manifest()["step"]) == ("interrupted", 50)
    assert main(["resume", str(run.path), "--wandb", "disabled"]) == 0
    assert run.metrics()["step"].tolist() == list(range(121))


@contextmanager
def largest_file(size):
    """No file of this process can grow beyond `size` bytes: a real failure of write, in whatever library."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.parametrize("size", [5_000, 14_000], ids=["less than the record", "less than a checkpoint"])
def test_a_write_that_fails_halfway_says_how_to_go_on(runs, capsys, size):
    with largest_file(size):
        assert train(runs) == 1
    (run,) = Store(runs).runs()
    assert not list(run.path.rglob("*.tmp"))
    line = error_line(capsys)
    assert "File too large" in line
    assert line.endswith(
        f"what was saved before is intact; make room or mend the permissions, then `grok resume {run.path}`"
    )
    assert main(["resume", str(run.path), "--wandb", "disabled"]) == 0


def test_a_diverged_run_is_one_line_and_listed_as_failed(runs, capsys):
    assert train(runs, "--config.optimiser.learning-rate", "1e30") == 1
    line = error_line(capsys)
    assert line.startswith("grok: the training loss is ")
    assert line.endswith(" at step 1: lower optimiser.learning_rate (now 1e+30)")
    assert main(["list", "--runs", str(runs)]) == 0
    assert " failed " in capsys.readouterr().out


def test_an_error_of_many_lines_is_told_in_one_and_debug_shows_where_it_came_from(capsys, monkeypatch):
    def broken(arguments):
        raise RuntimeError("first\n\n  second")

    monkeypatch.setitem(grok.cli.COMMANDS, "list", broken)
    assert main(["list"]) == 1
    assert capsys.readouterr().err == "grok: RuntimeError: first second (--debug shows where)\n"
    with pytest.raises(RuntimeError) as caught:
        main(["list", "--debug"])
    assert caught.traceback[-1].name == "broken"


def test_debug_prints_a_traceback_in_a_terminal(runs):
    command = [sys.executable, "-m", "grok", "show", "nothing", "--runs", str(runs), "--debug"]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert result.returncode == 1
    assert result.stderr.startswith("Traceback (most recent call last):")
    assert result.stderr.endswith(f"StoreError: no run 'nothing' in {runs}: see `grok list`\n")


def test_training_without_a_mirror_does_not_load_wandb_and_listing_does_not_load_torch(runs):
    code = f"""
import sys
from grok.cli import main
assert main(["list", "--runs", {str(runs)!r}]) == 0
assert not {{"torch", "matplotlib"}} & set(sys.modules)
assert main(["train", "grokking", "--steps", "0", "--runs", {str(runs)!r}, *{SMALL_FLAGS!r}]) == 0
assert "wandb" not in sys.modules
"""
    result = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr


def test_the_dashboard_opens_the_newest_mirror_or_that_of_the_run_named(runs, capsys, monkeypatch):
    opened = []

    def fake_run(command, check):
        opened.append(command)
        return subprocess.CompletedProcess(command, 0)

    monkeypatch.setattr(grok.cli.subprocess, "run", fake_run)
    old, new, _ = (new_run(runs, seed=seed) for seed in (1, 2, 3))
    assert main(["dashboard", "--runs", str(runs)]) == 1
    assert error_line(capsys) == f"grok: no run with a wandb mirror in {runs}: train one without --wandb disabled"
    for run in (old, new):
        (run.path / "wandb").mkdir()
    assert main(["dashboard", "--runs", str(runs)]) == 0
    assert main(["dashboard", "seed1", "--runs", str(runs)]) == 0
    assert [Path(command[-1]) for command in opened] == [new.path / "wandb", old.path / "wandb"]
    assert main(["dashboard", "seed3", "--runs", str(runs)]) == 1


def test_flags_make_the_config_that_they_name(runs):
    assert train(runs, steps=0) == 0
    (run,) = Store(runs).runs()
    assert run.manifest()["config"] == config_to_json(small_config(steps=0))


def test_bench_prints_a_table_and_the_machine_or_both_as_json(capsys):
    assert main(["bench", "interplay", "--device", "cpu"]) == 0
    machine, _, title, _, header, *_ = capsys.readouterr().out.splitlines()
    assert re.fullmatch(r".*, \d+ threads, torch 2\..*; median of interleaved repeats, .*", machine)
    assert title == "`gram_interplay`, float64, C = 113, d = 128:"
    assert header == "| one interplay | time |"
    assert main(["bench", "interplay", "--json", "--device", "cpu"]) == 0
    measured = json.loads(capsys.readouterr().out)
    assert measured["machine"]["device"] == "cpu"
    (value, *_) = measured["sections"]["interplay"]["rows"]
    assert 0 < value["time"]["low"] <= value["time"]["median"] <= value["time"]["high"]


def test_export_copies_finished_runs_and_those_of_a_sweep_by_its_name(runs, capsys, tmp_path):
    for seed, sweeps in enumerate([["mine"], ["mine", "yours"], ["yours"], []]):
        add_run(Store(runs), {"x": constant(1.0)}, seed=seed, sweeps=sweeps)
    small = tmp_path / "small"
    for name, line in (("mine", "2 runs copied to {}, 0"), ("yours", "1 runs copied to {}, 1")):
        assert main(["export", name, "--to", str(small), "--runs", str(runs)]) == 0
        assert capsys.readouterr().out == f"{line.format(small)} there already\n"
    assert len(list(small.rglob("metrics.parquet"))) == 3
    assert main(["export", "seed3", "--to", str(small), "--runs", str(runs)]) == 0
    assert main(["export", "--to", str(tmp_path / "all"), "--runs", str(runs)]) == 0
    assert len(list((tmp_path / "all").rglob("run.json"))) == 4
    assert main(["export", "seed0", "--to", str(small), "--runs", str(runs), "--rows", "9"]) == 1
    assert "is there already: expected exported {'rows_a_decade': 9" in capsys.readouterr().err
