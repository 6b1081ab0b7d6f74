"""Settings are checked when they are made, and an error says what was expected and what was given."""

import dataclasses
import json
import re
from typing import Literal

import numpy as np
import pytest

from grok.config import config_from_json, config_to_json
from grok.config.checks import ConfigError, Settings, require


@dataclasses.dataclass(frozen=True, kw_only=True)
class Inner(Settings, section="inner"):
    rate: float = 1.0
    pair: tuple[float, float] = (0.5, 0.5)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Outer(Settings):
    kind: Literal["plain", "fancy"] = "plain"
    count: int = 3
    end: int | None = None
    on: bool = False
    name: str = "a"
    shares: tuple[float, ...] = ()
    inner: Inner = Inner()


@dataclasses.dataclass(frozen=True, kw_only=True)
class Further(Inner):
    more: int = 1


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"kind": "fancie"}, "kind: expected one of plain, fancy, got fancie; did you mean 'fancy'?"),
        ({"kind": None}, "kind: expected one of plain, fancy, got None"),
        ({"count": True}, "count: expected an integer, got True"),
        ({"count": 3.0}, "count: expected an integer, got 3.0"),
        ({"count": "3"}, "count: expected an integer, got '3'"),
        ({"end": "none"}, "end: expected an integer or None, got 'none'"),
        ({"on": 1}, "on: expected true or false, got 1"),
        ({"name": None}, "name: expected a string, got None"),
        ({"shares": 0.5}, "shares: expected finite numbers, got 0.5"),
        ({"shares": (0.5, None)}, "shares: expected finite numbers, got (0.5, None)"),
        ({"inner": None}, "inner: expected a value of type Inner, got None"),
        ({"inner": Further()}, "inner: expected a value of type Inner, got Further("),
    ],
)
def test_a_value_of_another_type_is_rejected_from_python_as_from_a_record(settings, message):
    for make in (Outer, lambda **values: config_from_json(Outer, values)):
        with pytest.raises(ConfigError, match=f"^{re.escape(message)}"):
            make(**settings)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"rate": float("nan")}, "inner.rate: expected a finite number, got nan"),
        ({"rate": -float("inf")}, "inner.rate: expected a finite number, got -inf"),
        ({"rate": True}, "inner.rate: expected a finite number, got True"),
        ({"rate": 10**400}, f"inner.rate: expected a finite number, got {10**400}"),
        ({"pair": (0.5,)}, "inner.pair: expected 2 finite numbers, got (0.5,)"),
        ({"pair": (0.5, float("nan"))}, "inner.pair: expected 2 finite numbers, got (0.5, nan)"),
    ],
)
@pytest.mark.parametrize("settings_type", [Inner, Further])  # a subclass stands in the same section
def test_a_rejection_names_the_dotted_place_of_the_setting(settings_type, settings, message):
    with pytest.raises(ConfigError, match=f"^{re.escape(message)}$"):
        settings_type(**settings)


def test_numbers_that_are_equal_make_configs_that_are_equal_as_json_too():
    plain = Outer(count=3, shares=(0.0, 1.0), inner=Inner(rate=0.0, pair=(0.0, 1.0)))
    other = Outer(count=np.int64(3), shares=[0, 1], inner=Inner(rate=-0.0, pair=(np.float32(0), 1)))
    assert (other, hash(other)) == (plain, hash(plain))
    assert json.dumps(config_to_json(other)) == json.dumps(config_to_json(plain))


def test_a_setting_that_cannot_be_is_rejected_by_name():
    require(True, "steps", "a number", 3)
    with pytest.raises(ConfigError, match=r"^steps: expected a number, got none$"):
        require(False, "steps", "a number", "none")
