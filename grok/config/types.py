"""The types of settings: conversion of a value to its type, descriptions for messages, and suggestions for typos."""

import difflib
import math
from collections.abc import Iterable
from contextlib import suppress
from numbers import Integral, Real
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin

NOUNS = {int: "an integer", float: "a finite number", str: "a string", Path: "a path", bool: "true or false"}


def as_type(hint: Any, value: Any) -> Any:
    """Return the value in the canonical form of its type, so that equal settings are also equal as JSON.

    >>> as_type(float, 1), as_type(int | None, None), as_type(tuple[float, float], [0, 0.9])
    (1.0, None, (0.0, 0.9))

    Raises:
        TypeError: if the value has another type or is not finite; the message is what was expected.
    """
    for option in options_of(hint):
        if get_origin(option) is Literal:
            if value in get_args(option):
                return value
        elif get_origin(option) is tuple:
            with suppress(TypeError):
                return tuple(map(as_type, _types_within(option, value), value))
        elif option in (int, float):
            number = not isinstance(value, bool) and isinstance(value, Integral if option is int else Real)
            with suppress(OverflowError):  # an integer that no float can hold
                if number and math.isfinite(value):
                    return option(value) + 0  # -0.0 becomes 0.0
        elif type(value) is option:
            return value
    raise TypeError(describe(hint))


def _types_within(hint: Any, value: Any) -> tuple[Any, ...]:
    """Return the types of the values in a tuple or list; raise TypeError for other values or another length."""
    inner = get_args(hint)
    if isinstance(value, (tuple, list)) and inner[-1] is Ellipsis:
        return (inner[0],) * len(value)
    if isinstance(value, (tuple, list)) and len(value) == len(inner):
        return inner
    raise TypeError


def describe(hint: Any, *, toml: bool = False) -> str:
    """Describe a value of this type as it is written on the command line and in Python, or in TOML.

    >>> describe(int | None), describe(tuple[float, float]), describe(Literal["auto", "cpu"])
    ('an integer or None', '2 finite numbers', 'one of auto, cpu')
    >>> describe(int | None, toml=True), describe(tuple[float, ...], toml=True)
    ('an integer or "none"', 'a list of finite numbers')
    """
    return " or ".join(_describe(option, toml) for option in options_of(hint))


def _describe(hint: Any, toml: bool) -> str:
    if get_origin(hint) is Literal:
        return f"one of {', '.join(map(str, get_args(hint)))}"
    if get_origin(hint) is tuple:
        first, *others = get_args(hint)
        number = "" if others == [Ellipsis] else f"{1 + len(others)} "
        return f"{'a list of ' if toml else ''}{number}{_describe(first, toml).partition(' ')[2]}s"
    if hint is NoneType:
        return '"none"' if toml else "None"
    return NOUNS.get(hint) or f"a value of type {hint.__name__}"


def options_of(hint: Any) -> tuple[Any, ...]:
    """Return the types that a value may have; a union allows several."""
    return get_args(hint) if get_origin(hint) in (Union, UnionType) else (hint,)


def near_choice(hint: Any, value: Any) -> str:
    """Return the end of a message that rejects a value: the most similar choice, if the type has choices.

    >>> near_choice(Literal["adamw", "sgd"], "adam w"), near_choice(int, 3.5)
    ("; did you mean 'adamw'?", '')
    """
    choices = [str(each) for option in options_of(hint) if get_origin(option) is Literal for each in get_args(option)]
    return did_you_mean(value, choices) if isinstance(value, str) else ""


def did_you_mean(name: str, choices: Iterable[str]) -> str:
    """Return the end of a message that rejects a name: the most similar choice, or nothing if none is similar.

    A choice with dots may also be similar by its last part.

    >>> did_you_mean("adam w", ["adamw", "adam", "sgd"]), did_you_mean("x", ["adamw", "adam", "sgd"])
    ("; did you mean 'adamw'?", '')
    >>> did_you_mean("--modulos", ["--steps", "--config.task.modulus"])
    "; did you mean '--config.task.modulus'?"
    """
    wholes = {choice.removeprefix("--"): choice for choice in choices}
    names = {whole.rpartition(".")[2]: choice for whole, choice in wholes.items()} | wholes
    near = difflib.get_close_matches(name.removeprefix("--"), names, n=1)
    return f"; did you mean {names[near[0]]!r}?" if near else ""
