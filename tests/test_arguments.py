"""Arguments that do not parse are reported in one sentence that names them."""

import dataclasses
import io
import re
import sys

import pytest

from grok.arguments import (
    UsageError,
    _flags,
    _options,
    choose,
    parse,
    parse_seeds,
    refuse_both,
    value_of,
)
from grok.cli.options import ExportOptions, ShowOptions, with_config
from grok.config import GrokkingConfig
from tests.cli.helpers import parse_train

UNKNOWN = "options: expected those that `grok train grokking --help` lists, got"


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["--seed", "x"], "--seed: expected an integer, got 'x'"),
        (["--seed", "3", "--tf32", "--steps", "abc"], "--steps: expected an integer or None, got 'abc'"),
        (["--config.task.modulus=1.5"], "--config.task.modulus: expected an integer or None, got '1.5'"),
        (["--config.steps", "it's"], """--config.steps: expected an integer, got "it's\""""),
        (["--config.optimiser.weight-decay", ""], "--config.optimiser.weight-decay: expected a finite number, got ''"),
        (
            ["--config.optimiser.betas", "0.9", "x"],
            "--config.optimiser.betas: expected 2 finite numbers, got '0.9', 'x'",
        ),
        (["--config.optimiser.betas", "0.9"], "--config.optimiser.betas: expected 2 finite numbers, got '0.9'"),
        (["--steps"], "--steps: expected an integer or None, got nothing"),
        (["--device", "tpu"], "--device: expected one of auto, cpu, cuda, got 'tpu'; did you mean 'cpu'?"),
        (["--device", "(a) or 'b'"], "--device: expected one of auto, cpu, cuda, got \"(a) or 'b'\""),
        (
            ["--config.optimiser.rule", "adam w"],
            "--config.optimiser.rule: expected one of adamw, adam, sgd, muon, got 'adam w'; did you mean 'adamw'?",
        ),
        (["--sede", "3"], f"{UNKNOWN} --sede 3; did you mean '--seed'?"),
        (["x", "--step", "3"], f"{UNKNOWN} x --step 3; did you mean '--steps'?"),
        (["--modulus", "11"], f"{UNKNOWN} --modulus 11; did you mean '--config.task.modulus'?"),
        (["--zzz", "--tf33", "--stepz"], f"{UNKNOWN} --zzz --tf33 --stepz; did you mean '--tf32'?"),
        (["--config.optimiser.rule", "adam", "w"], f"{UNKNOWN} w"),
    ],
)
def test_what_does_not_parse_is_one_short_line_with_the_flag_what_was_expected_and_what_came(arguments, line):
    with pytest.raises(UsageError) as caught:
        parse_train(*arguments)
    assert str(caught.value) == line


@pytest.mark.parametrize(
    ("options_type", "arguments", "line"),
    [
        (ExportOptions, [], "command: expected --to with a path, got nothing; `grok command --help` explains it"),
        (ExportOptions, ["a", "--rows", "x"], "--rows: expected an integer, got 'x'"),
        (
            ExportOptions,
            ["--too", "3"],
            "options: expected those that `grok command --help` lists, got --too; did you mean '--to'?",
        ),
        (ShowOptions, ["--json"], "command: expected a run, got nothing; `grok command --help` explains it"),
        (ShowOptions, ["a", "--", "b"], "options: expected those that `grok command --help` lists, got b"),
    ],
)
def test_a_missing_argument_is_named_unless_another_is_wrong(options_type, arguments, line):
    with pytest.raises(UsageError) as caught:
        parse(options_type, "command", arguments)
    assert str(caught.value) == line


def test_every_flag_in_the_help_is_known(capsys):
    """Our names of flags equal those that tyro derives, so that its help lists the same flags."""
    with pytest.raises(SystemExit):
        parse_train("--help")
    listed = set(re.findall(r"--[a-z][\w.-]*", capsys.readouterr().out)) - {"--help"}
    assert listed == set(_flags(_options(with_config(GrokkingConfig, ("paper", "laptop")))))


@dataclasses.dataclass(frozen=True)
class Picky:
    n: int = 1

    def __post_init__(self):
        if self.n > 1:
            raise ValueError("n is too large")


@dataclasses.dataclass(frozen=True)
class PickyOptions:
    picky: Picky = dataclasses.field(default_factory=Picky)


@pytest.mark.parametrize("encoding", ["utf-8", "ascii"])
def test_what_types_do_not_show_is_told_in_one_line_of_tyros_own_words(monkeypatch, encoding):
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(io.BytesIO(), encoding=encoding))
    with pytest.raises(UsageError, match=r"^Value error [^|│+─]*n is too large [^|│+─]*grok command --help$"):
        parse(PickyOptions, "command", ["--picky.n", "2"])


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


@pytest.mark.parametrize(
    "arguments",
    [["--steps", "5", "--config.steps", "6"], ["--config.steps=6", "--steps=5"]],
    ids=["apart", "joined"],
)
def test_two_flags_of_one_setting_are_refused_together_and_not_alone(arguments):
    with pytest.raises(UsageError) as caught:
        refuse_both("--steps", "--config.steps", arguments)
    assert str(caught.value) == "--steps: expected one of --steps and --config.steps, got both"
    refuse_both("--steps", "--config.steps", [word for word in arguments if not word.startswith("--steps")])


@pytest.mark.parametrize("text", ["", "a", "-1", "1-", "1,,2", "0.5"])
def test_seeds_that_cannot_be_are_refused(text):
    with pytest.raises(UsageError, match=r"^--seeds: expected numbers and ranges such as 0-63 or 0,3,8-11, got"):
        parse_seeds(text)


@pytest.mark.parametrize("text", ["5-3", "0, 5-3"])
def test_a_range_of_seeds_that_runs_backwards_is_refused_with_the_one_that_was_meant(text):
    with pytest.raises(UsageError) as caught:
        parse_seeds(text)
    assert str(caught.value) == "--seeds: expected ranges from low to high, got '5-3': did you mean 3-5?"


def test_seeds_are_numbers_and_ranges():
    assert parse_seeds("0-3, 8,2") == [0, 1, 2, 3, 8]


def test_more_seeds_than_anybody_can_train_are_refused_before_they_are_listed():
    with pytest.raises(UsageError, match=r"^--seeds: expected at most 100,000 seeds, got '0-999999999'$"):
        parse_seeds("0-999999999")
