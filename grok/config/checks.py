"""How a setting that cannot be is refused."""

import difflib
from collections.abc import Iterable
from typing import Any


class ConfigError(Exception):
    """A setting that cannot be: the message names it, what was expected, what came, and the mend."""


def require(condition: bool, name: str, expected: str, got: object) -> None:
    """Raise `ConfigError` unless the condition holds.

    >>> require(False, "task.modulus", "a prime", 6)
    Traceback (most recent call last):
    grok.config.checks.ConfigError: task.modulus: expected a prime, got 6
    """
    if not condition:
        raise ConfigError(f"{name}: expected {expected}, got {got}")


def require_default(settings: Any, name: str, why: str, *, within: str = "") -> None:
    """Refuse a setting that would change nothing but the hash, unless it has its default; `within` leads its name.

    >>> from grok.config import OptimiserConfig
    >>> require_default(OptimiserConfig(rule="sgd", momentum=0.5), "momentum", "with this rule", within="optimiser.")
    Traceback (most recent call last):
    grok.config.checks.ConfigError: optimiser.momentum: expected its default, 0.9, with this rule, got 0.5
    """
    default, value = type(settings).__dataclass_fields__[name].default, getattr(settings, name)
    require(value == default, f"{within}{name}", f"its default, {default}, {why}", value)


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
