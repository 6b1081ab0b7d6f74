"""Types of settings are described by their values, and a message suggests the most similar choice."""

from typing import Literal

import pytest

from grok.config.types import describe, did_you_mean


@pytest.mark.parametrize(
    ("hint", "words"),
    [
        (bool, "true or false"),
        (Literal[1, 2] | None, "one of 1, 2 or None"),
        (tuple[str, ...], "strings"),
        (tuple[int, int], "2 integers"),
        (dict[str, int], "a value of type dict"),
    ],
)
def test_a_type_is_described_by_what_its_values_are(hint, words):
    assert describe(hint) == words


def test_a_name_that_is_near_a_choice_is_answered_with_the_nearest_and_another_with_nothing():
    operations = ["s5-compose", "s5-conjugate", "cubic"]
    assert did_you_mean("s5-compos", operations) == "; did you mean 's5-compose'?"
    assert did_you_mean("power", operations) == ""


def test_a_dotted_choice_is_near_by_its_last_part_unless_a_whole_one_has_that_name():
    flags = ["--steps", "--config.steps", "--config.task.modulus"]
    assert did_you_mean("--modulos", flags) == "; did you mean '--config.task.modulus'?"
    assert did_you_mean("--step", flags) == "; did you mean '--steps'?"
    assert did_you_mean("task.modulus", ["config.task.modulus"]) == "; did you mean 'config.task.modulus'?"
