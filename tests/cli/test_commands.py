"""The command line has exit statuses and one-line errors that name the mend, and a rejected command leaves no files."""

import builtins
import os
import subprocess
import sys
from pathlib import Path

import pytest

import grok
from grok import __main__
from grok.cli import commands, main
from tests.helpers import SMALL_FLAGS

ROOT = Path(__file__).parents[2]


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
    "steps by two flags": (
        ["train", "grokking", "--steps", "5", "--config.steps=6"],
        "grok: --steps: expected one of --steps and --config.steps, got both",
    ),
    "unknown flag": (
        ["train", "grokking", "--modulus", "11"],
        "grok: options: expected those that `grok train grokking --help` lists, got --modulus 11; did you mean "
        "'--config.task.modulus'?",
    ),
    "unknown experiment": (
        ["train", "groking"],
        "grok: experiment: expected one of grokking, supervised, connectivity, pruning, semi-supervised, norm-matched, "
        "got 'groking'; did you mean 'grokking'?",
    ),
    "unknown term": (
        ["train", "semi-supervised", "--config.information.term", "mri"],
        "grok: --config.information.term: expected one of none, mutual_information, entropy_difference, mir, hdr, got "
        "'mri'; did you mean 'mir'?",
    ),
    "a term without its weight": (
        ["train", "supervised", "--config.information.term", "mir"],
        "grok: information.weight: expected a number other than 0 with mir, got 0.0",
    ),
    "a setting that the method does not read": (
        ["train", "semi-supervised", "--config.method", "fixmatch", "--config.fairness-weight", "0.1"],
        "grok: fairness_weight: expected its default, 0.05, with the method fixmatch, which does not read it, got 0.1",
    ),
    "more labels than there are": (
        ["train", "semi-supervised", "--config.labels-per-class", "399", "--device", "cpu"],
        "grok: labels_per_class: expected at most the 394 training samples of the rarest class, got 399",
    ),
    "unknown preset": (
        ["train", "grokking", "--preset", "desktop"],
        "grok: --preset: expected one of paper, laptop, small, s5, got 'desktop'",
    ),
    "negative seed": (["train", "grokking", "--seed", "-1"], "grok: --seed: expected an integer of at least 0, got -1"),
    "seeds that are none": (
        ["train", "grokking", "--seeds", "3-"],
        "grok: --seeds: expected numbers and ranges such as 0-63 or 0,3,8-11, got '3-'",
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
        "grok: --stack: expected --seeds as well, got --stack alone (a stack needs several runs)",
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
        "grok: section: expected one of step, probes, recording, threads, stack, sweep, size, memory, moduli, "
        "images, objectives, startup, estimator, large, interplay, spectra, got 'spectre'",
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


def test_without_a_command_the_usage_is_shown_and_the_status_is_2(capsys):
    assert main([]) == 2
    bare = capsys.readouterr().out
    assert main(["--help"]) == 0
    assert capsys.readouterr().out == bare
    assert "\n    train      Train an experiment: grok train EXPERIMENT [options].\n" in bare


def test_the_version_is_printed(capsys):
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"grok {grok.__version__}\n"


def test_what_a_choice_means_is_listed_in_one_column(capsys):
    assert main(["train", "--help"]) == 0
    lines = capsys.readouterr().out.splitlines()[2:]
    assert lines[0].startswith("    grokking         a small transformer on modular addition")
    assert lines[4].startswith("    semi-supervised  FreeMatch, FixMatch or few labels alone")


def test_an_error_of_many_lines_is_told_in_one_and_debug_shows_where_it_came_from(capsys, monkeypatch):
    def broken(arguments):
        raise RuntimeError("first\n\n  second")

    monkeypatch.setitem(commands.COMMANDS, "list", broken)
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


def test_help_is_printed_in_a_terminal_without_unicode():
    command = [sys.executable, "-m", "grok", "train", "grokking", "--help"]
    ascii_only = os.environ | {"PYTHONIOENCODING": "ascii"}
    result = subprocess.run(command, cwd=ROOT, env=ascii_only, capture_output=True, check=True)
    assert b"The modulus p, which gives p classes and p? pairs" in b" ".join(result.stdout.split())


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


def test_an_interrupt_amid_the_first_imports_is_one_line(monkeypatch, capsys):
    usual = builtins.__import__

    def interrupted(name, *rest):
        if name == "grok.cli":
            raise KeyboardInterrupt
        return usual(name, *rest)

    monkeypatch.setattr(builtins, "__import__", interrupted)
    assert __main__.main() == 130
    assert capsys.readouterr().err == "grok: interrupted\n"
