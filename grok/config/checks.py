"""Settings that check themselves, and how a setting that cannot be is rejected."""

import dataclasses
import difflib
import math
from collections.abc import Iterable
from contextlib import suppress
from numbers import Integral, Real
from operator import attrgetter
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints


class ConfigError(Exception):
    """A setting that cannot be: the message names it, what was expected, what came, and the mend."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Settings:
    """The base of every dataclass of settings, which checks each value against the type of its field.

    `section` says where the settings stand in those of an experiment. Errors then name a field by its dotted place, as
    the command line does. A subclass calls `super().__post_init__()` before its own checks.

    A new setting whose default is not what runs were trained with before it says so in the metadata of its field,
    `dataclasses.field(default=NEW, metadata={"before": OLD})`.

    >>> @dataclasses.dataclass(frozen=True, kw_only=True)
    ... class Task(Settings, section="task"):
    ...     modulus: int = 113
    ...     noise: float = 0.0
    >>> Task(noise=1)
    Task(modulus=113, noise=1.0)
    >>> Task(modulus=11.5)
    Traceback (most recent call last):
    grok.config.checks.ConfigError: task.modulus: expected an integer, got 11.5
    """

    _prefix = ""

    def __init_subclass__(cls, *, section: str | None = None) -> None:
        super().__init_subclass__()
        if section is not None:
            cls._prefix = f"{section}."

    def __post_init__(self) -> None:
        for name, hint in self.setting_types().items():
            value = getattr(self, name)
            try:
                object.__setattr__(self, name, as_type(hint, value))
            except TypeError as error:
                choices = _choices(hint)
                got = f"{value}{did_you_mean(str(value), choices)}" if choices else repr(value)
                raise ConfigError(f"{self._prefix}{name}: expected {error}, got {got}") from None

    @classmethod
    def setting_types(cls) -> dict[str, Any]:
        """The type of each setting, by its name."""
        if cls not in _TYPES:
            hints = get_type_hints(cls)
            _TYPES[cls] = {field.name: hints[field.name] for field in dataclasses.fields(cls)}
        return _TYPES[cls]

    @classmethod
    def before(cls) -> dict[str, Any]:
        """What a run was trained with if its record does not name the setting, where that is not the default."""
        return {field.name: field.metadata["before"] for field in dataclasses.fields(cls) if "before" in field.metadata}

    def require(self, name: str, condition: bool, expected: str) -> None:
        """Raise `ConfigError` unless the condition on the field holds; `task.modulus` is a field of the field `task`.

        >>> from grok.config import TaskConfig
        >>> TaskConfig().require("modulus", False, "an even number")
        Traceback (most recent call last):
        grok.config.checks.ConfigError: task.modulus: expected an even number, got 113
        """
        require(condition, f"{self._prefix}{name}", expected, attrgetter(name)(self))

    def require_default(self, name: str, why: str) -> None:
        """Reject a value of the field that would change nothing but the run's identity, unless it is the default.

        >>> from grok.config import OptimiserConfig
        >>> OptimiserConfig(rule="sgd", momentum=0.5).require_default("momentum", "with this rule")
        Traceback (most recent call last):
        grok.config.checks.ConfigError: optimiser.momentum: expected its default, 0.9, with this rule, got 0.5
        """
        default = type(self).__dataclass_fields__[name].default
        self.require(name, getattr(self, name) == default, f"its default, {default}, {why}")


_TYPES: dict[type[Settings], dict[str, Any]] = {}  # looking the types up takes longer than all other checks


def as_type(hint: Any, value: Any) -> Any:
    """The value in the one form that its type has, so that equal settings are equal as JSON, too.

    >>> as_type(float, 1), as_type(int | None, None), as_type(tuple[float, float], [0, 0.9])
    (1.0, None, (0.0, 0.9))

    Raises:
        TypeError: the value is of another type, or a number that is not finite; the message is what was expected.
    """
    options = _options(hint)
    for option in options:
        if get_origin(option) is Literal:
            if isinstance(value, str) and value in get_args(option):
                return str(value)
        elif get_origin(option) is tuple:
            with suppress(TypeError):
                return tuple(map(as_type, _inner(option, value), value))
        elif option in (int, float):
            number = not isinstance(value, bool) and isinstance(value, Integral if option is int else Real)
            with suppress(OverflowError):  # an integer that no float can hold
                if number and math.isfinite(value):
                    return option(value) + 0  # -0.0 becomes 0.0
        elif type(value) is option:
            return value
    raise TypeError(" or ".join(_describe(option) for option in options))


def _options(hint: Any) -> tuple[Any, ...]:
    """The types that a value may be of."""
    return get_args(hint) if get_origin(hint) in (Union, UnionType) else (hint,)


def _inner(hint: Any, value: Any) -> tuple[Any, ...]:
    """The types of the values in a tuple, which a list may stand for; TypeError if it is none of the right length."""
    inner = get_args(hint)
    if isinstance(value, (tuple, list)) and inner[-1] is Ellipsis:
        return (inner[0],) * len(value)
    if isinstance(value, (tuple, list)) and len(value) == len(inner):
        return inner
    raise TypeError


def _choices(hint: Any) -> list[str]:
    return [choice for option in _options(hint) if get_origin(option) is Literal for choice in get_args(option)]


def _describe(hint: Any) -> str:
    if get_origin(hint) is Literal:
        return f"one of {', '.join(get_args(hint))}"
    if get_origin(hint) is tuple:
        inner = get_args(hint)
        return "a tuple of " + ("finite numbers" if inner[-1] is Ellipsis else f"{len(inner)} finite numbers")
    names = {float: "a finite number", int: "an integer", bool: "True or False", str: "a text", NoneType: "None"}
    return names.get(hint) or f"settings of type {hint.__name__}"


def require(condition: bool, name: str, expected: str, got: object) -> None:
    """Raise `ConfigError` unless the condition holds.

    >>> require(False, "task.modulus", "a prime", 6)
    Traceback (most recent call last):
    grok.config.checks.ConfigError: task.modulus: expected a prime, got 6
    """
    if not condition:
        raise ConfigError(f"{name}: expected {expected}, got {got}")


def did_you_mean(name: str, choices: Iterable[str]) -> str:
    """The end of a message that rejects a name: the choice nearest to it, or nothing where none is near.

    A choice with dots is near by its last part, too.

    >>> did_you_mean("adam w", ["adamw", "adam", "sgd"]), did_you_mean("x", ["adamw", "adam", "sgd"])
    ("; did you mean 'adamw'?", '')
    >>> did_you_mean("--modulos", ["--steps", "--config.task.modulus"])
    "; did you mean '--config.task.modulus'?"
    """
    wholes = {choice.removeprefix("--"): choice for choice in choices}
    names = {whole.rpartition(".")[2]: choice for whole, choice in wholes.items()} | wholes
    near = difflib.get_close_matches(name.removeprefix("--"), names, n=1)
    return f"; did you mean {names[near[0]]!r}?" if near else ""
