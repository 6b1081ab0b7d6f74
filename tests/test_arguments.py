"""Arguments: what does not parse is one sentence that names it."""

import pytest

from grok.arguments import UsageError, choose, parse_seeds, refuse_both, value_of
from tests.cli.helpers import parse_train


def refusal(*arguments):
    with pytest.raises(UsageError) as caught:
        parse_train(*arguments)
    message = str(caught.value)
    assert "\n" not in message
    return message


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
