"""A TOML value becomes the value of the same setting on the command line, or is rejected."""

from typing import Literal

import pytest

from grok.config import GrokkingConfig
from grok.sweep.settings import SettingError, flatten, value_as


@pytest.mark.parametrize(
    ("hint", "value", "expected"),
    [
        (float, 1, 1.0),
        (int, 3, 3),
        (bool, True, True),
        (int | None, "none", None),
        (int | None, 3, 3),
        (str, "none", "none"),
        (Literal["add", "none"], "none", "none"),
        (tuple[float, float], [0, 1], (0.0, 1.0)),
    ],
)
def test_a_value_has_the_type_of_its_setting(hint, value, expected):
    assert value_as(hint, value) == expected
    assert repr(value_as(hint, value)) == repr(expected)


@pytest.mark.parametrize(
    ("hint", "value", "expected"),
    [
        (int, True, "an integer"),
        (int, 3.0, "an integer"),
        (float, True, "a finite number"),
        (float, float("nan"), "a finite number"),
        (float, "1", "a finite number"),
        (bool, 1, "true or false"),
        (str, 1, "a string"),
        (int, "none", "an integer"),
        (int | None, "3", 'an integer or "none"'),
        (Literal["add", "divide"], "multiply", "one of add, divide"),
        (tuple[float, float], [0.9], "a list of 2 finite numbers"),
        (tuple[float, float], [0.9, "x"], "a list of 2 finite numbers"),
    ],
)
def test_a_value_of_another_type_is_refused_with_what_was_expected(hint, value, expected):
    with pytest.raises(TypeError) as caught:
        value_as(hint, value)
    assert str(caught.value) == expected


def test_a_list_of_any_length_has_numbers_alone():
    assert value_as(tuple[float, ...], [0, 0.5]) == (0.0, 0.5)
    with pytest.raises(TypeError, match=r"^a list of finite numbers$"):
        value_as(tuple[float, ...], 0.5)
    with pytest.raises(TypeError, match=r"^a list of finite numbers$"):
        value_as(tuple[float, ...], [0.5, "all"])


def test_nested_tables_are_settings_in_order():
    tables = {"steps": 3, "task": {"modulus": 11, "operation": "add"}, "optimiser": {"weight_decay": 1}}
    found = [(".".join(keys), value) for keys, _, value in flatten(GrokkingConfig, tables)]
    assert found == [("steps", 3), ("task.modulus", 11), ("task.operation", "add"), ("optimiser.weight_decay", 1)]


def test_an_unknown_setting_is_named_with_the_table_that_it_is_in():
    with pytest.raises(SettingError) as caught:
        list(flatten(GrokkingConfig, {"task": {"modulos": 11}}))
    assert str(caught.value) == "task.modulos: no such setting; did you mean 'modulus'?"
