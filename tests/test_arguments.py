"""Options: every setting is a flag, and what does not parse is one sentence that names it."""

from pathlib import Path

import pytest

from grok.arguments import (
    FiguresOptions,
    ResumeOptions,
    TrainOptions,
    UsageError,
    choose,
    parse,
    parse_seeds,
    value_of,
    with_config,
)
from grok.config import GrokkingConfig
from grok.experiments.grokking import laptop

PRESETS = ("paper", "laptop")


def parse_train(*arguments, config=None):
    options_type = with_config(GrokkingConfig, PRESETS)
    return parse(options_type, "train grokking", arguments, default=TrainOptions(config=config or GrokkingConfig()))


def refusal(*arguments):
    with pytest.raises(UsageError) as caught:
        parse_train(*arguments)
    message = str(caught.value)
    assert "\n" not in message
    return message


def test_a_flag_changes_its_setting_and_leaves_the_presets_others():
    options = parse_train(
        "--config.optimiser.weight-decay", "0.3", "--config.optimiser.betas", "0.8", "0.9", config=laptop()
    )
    assert options.config.optimiser.weight_decay == 0.3
    assert options.config.optimiser.betas == (0.8, 0.9)
    assert options.config.task == laptop().task
    assert options.config.optimiser.learning_rate == laptop().optimiser.learning_rate


def test_without_flags_a_run_is_the_preset_seed_0_in_runs_mirrored_offline():
    options = parse_train()
    assert options.config == GrokkingConfig()
    assert (options.seed, options.steps, options.device, options.again) == (0, None, "auto", False)
    assert (options.runs, options.wandb) == (Path("runs"), "offline")


@pytest.mark.parametrize(
    ("arguments", "parts"),
    [
        (["--sede", "3"], ["Unrecognized options: --sede", "Perhaps you meant: --seed INT"]),
        (["--seed", "x"], ["Error parsing --seed: invalid literal for int() with base 10: 'x'"]),
        (["--device", "tpu"], ["invalid choice 'tpu' for argument '--device'", "'auto', 'cpu', 'cuda'"]),
        (["--steps"], ["Missing value for argument '--steps'"]),
        (["--config.optimiser.betas", "0.9"], ["'--config.optimiser.betas'", "Expected 2 values"]),
    ],
    ids=["unknown", "no number", "no choice", "no value", "too few values"],
)
def test_what_does_not_parse_is_one_sentence_that_names_the_flag(arguments, parts):
    message = refusal(*arguments)
    for part in parts:
        assert part in message
    assert not any(character in message for character in "│╭╰─")


def test_a_missing_run_is_asked_for():
    with pytest.raises(UsageError, match=r"^Missing from grok resume: .*A run's folder, its id, or a part of the id"):
        parse(ResumeOptions, "resume", [])


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
    assert "Fraction of the pairs to train on" in " ".join(shown.split())


def test_a_choice_that_is_none_lists_all_and_the_closest():
    choices = {"grokking": 1, "supervised": 2}
    assert choose("experiment", "supervised", choices) == 2
    with pytest.raises(UsageError) as caught:
        choose("experiment", "groking", choices)
    assert str(caught.value) == (
        "experiment: expected one of grokking, supervised, got 'groking'; did you mean 'grokking'?"
    )
    with pytest.raises(UsageError, match=r"^figure: expected one of grokking, supervised, got 'zzz'$"):
        choose("figure", "zzz", choices)


@pytest.mark.parametrize(
    ("arguments", "value"),
    [
        (["--seed", "3", "--preset", "laptop"], "laptop"),
        (["--preset=laptop", "--seed", "3"], "laptop"),
        (["--seed", "3"], "paper"),
        (["--seed", "3", "--preset"], "paper"),
        (["--preset", "laptop", "--preset", "paper"], "paper"),
    ],
    ids=["apart", "joined", "not given", "without a value", "given twice"],
)
def test_the_value_of_a_flag_is_read_ahead_of_the_others(arguments, value):
    assert value_of("--preset", arguments, default="paper") == value


@pytest.mark.parametrize("text", ["", "a", "-1", "1-", "3-1", "1,,2", "0.5"])
def test_seeds_that_cannot_be_are_refused(text):
    with pytest.raises(UsageError, match=r"^--seeds: expected numbers and ranges such as 0-63 or 0,3,8-11, got"):
        parse_seeds(text)


def test_seeds_are_numbers_and_ranges():
    assert parse_seeds("0-3, 8,2") == [0, 1, 2, 3, 8]
