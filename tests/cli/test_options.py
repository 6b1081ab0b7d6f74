"""Every setting is a flag, and a setting without a flag has the preset's value."""

from pathlib import Path

import pytest

from grok.arguments import UsageError, parse
from grok.cli.options import FiguresOptions, ResumeOptions, SweepOptions, check_threads
from grok.config import GrokkingConfig, TaskConfig
from grok.experiments.grokking import laptop, paper
from tests.cli.helpers import parse_train


def test_a_flag_changes_its_setting_and_leaves_the_presets_others():
    options = parse_train(
        "--config.optimiser.weight-decay", "0.3", "--config.optimiser.betas", "0.8", "0.9", config=laptop()
    )
    assert options.config.optimiser.weight_decay == 0.3
    assert options.config.optimiser.betas == (0.8, 0.9)
    assert options.config.task == laptop().task
    assert options.config.optimiser.learning_rate == laptop().optimiser.learning_rate


def test_a_preset_keeps_its_rule_of_rounding_until_a_flag_changes_it():
    published = parse_train("--config.task.modulus", "100", "--config.task.train-fraction", "0.57").config.task
    assert (published.rounding, published.train_size) == ("down", 5_699)
    nearest = parse_train("--config.task.rounding", "nearest").config
    assert (nearest, nearest.task.train_size) == (GrokkingConfig(), 3_831)
    assert parse_train("--config.task.modulus", "59").config.identity() == GrokkingConfig(
        task=TaskConfig(modulus=59, rounding="down")
    )


def test_without_flags_a_run_is_the_preset_seed_0_in_runs_mirrored_offline():
    options = parse_train()
    assert options.config == paper()
    assert (options.seed, options.steps, options.device, options.again) == (0, None, "auto", False)
    assert (options.runs, options.wandb) == (Path("runs"), "offline")


def test_a_missing_run_is_asked_for():
    with pytest.raises(UsageError, match=r"^resume: expected a run, got nothing; `grok resume --help` explains it$"):
        parse(ResumeOptions, "resume", [])


@pytest.mark.parametrize(("flags", "threads"), [((), "auto"), (("--threads", "auto"), "auto"), (("--threads", "3"), 3)])
def test_threads_are_a_number_or_auto(flags, threads):
    assert parse_train(*flags).threads == threads
    assert parse(ResumeOptions, "resume", ["run", *flags]).threads == (threads if flags else None)
    assert parse(SweepOptions, "sweep", ["file.toml", *flags]).threads == threads


def test_threads_that_are_neither_are_rejected():
    with pytest.raises(UsageError, match=r"^--threads: expected an integer or one of auto, got 'many'"):
        parse_train("--threads", "many")
    with pytest.raises(UsageError, match=r"^--threads: expected auto or an integer from 1 to 4,096, got 0$"):
        check_threads(0)
    with pytest.raises(UsageError, match="got 99999"):
        check_threads(99_999)


def test_figures_are_named_without_flags():
    options = parse(FiguresOptions, "figures", ["figure7", "figure8", "--plots", "elsewhere"])
    assert (options.names, options.plots) == (("figure7", "figure8"), Path("elsewhere"))


def test_help_lists_every_setting_and_ends_without_an_error(capsys):
    with pytest.raises(SystemExit) as stop:
        parse_train("--help")
    assert not stop.value.code
    shown = capsys.readouterr().out
    for flag in ("--seed", "--preset {paper,laptop}", "--config.task.modulus", "--config.probes.sample-size"):
        assert flag in shown
    assert "Fraction of the pairs in the train split" in " ".join(shown.split())
