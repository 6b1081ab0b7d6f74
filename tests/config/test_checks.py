"""A refusal says what was expected and what came."""

import pytest

from grok.config.checks import ConfigError, did_you_mean, require


def test_a_setting_that_cannot_be_is_refused_by_name():
    require(True, "steps", "a number", 3)
    with pytest.raises(ConfigError, match=r"^steps: expected a number, got none$"):
        require(False, "steps", "a number", "none")


def test_a_name_that_is_near_a_choice_is_answered_with_the_nearest_and_another_with_nothing():
    operations = ["s5-compose", "s5-conjugate", "cubic"]
    assert did_you_mean("s5-compos", operations) == "; did you mean 's5-compose'?"
    assert did_you_mean("power", operations) == ""


def test_a_dotted_choice_is_near_by_its_last_part_unless_a_whole_one_has_that_name():
    flags = ["--steps", "--config.steps", "--config.task.modulus"]
    assert did_you_mean("--modulos", flags) == "; did you mean '--config.task.modulus'?"
    assert did_you_mean("--step", flags) == "; did you mean '--steps'?"
    assert did_you_mean("task.modulus", ["config.task.modulus"]) == "; did you mean 'config.task.modulus'?"
