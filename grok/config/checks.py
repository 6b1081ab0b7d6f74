"""The base of all settings, which check themselves, and the error that rejects an invalid setting."""

import dataclasses
from operator import attrgetter
from typing import Any, Literal, Self, get_origin, get_type_hints

from grok.config.types import as_type, near_choice, options_of


class ConfigError(Exception):
    """Raised for an invalid setting; the message names it, what was expected, what was given, and the mend."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Settings:
    """The base of every dataclass of settings, which checks each value against the type of its field.

    `section` is the name under which an experiment holds these settings. Errors then name a field by its dotted path,
    as the command line does. A subclass calls `super().__post_init__()` before its own checks.

    The default of a new setting may differ from the value that earlier runs were trained with, and a default may
    change. The field then declares the earlier value in its metadata,
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
                has_choices = any(get_origin(option) is Literal for option in options_of(hint))
                got = f"{value if has_choices else repr(value)}{near_choice(hint, value)}"
                raise ConfigError(f"{self._prefix}{name}: expected {error}, got {got}") from None

    @classmethod
    def setting_types(cls) -> dict[str, Any]:
        """Return the type of each setting by name."""
        if cls not in _TYPES:
            hints = get_type_hints(cls)
            _TYPES[cls] = {field.name: hints[field.name] for field in dataclasses.fields(cls)}
        return _TYPES[cls]

    @property
    def not_captured(self) -> str | None:
        """A clause that names a part of the step that no CUDA graph can capture, or None if there is none."""
        return None

    @classmethod
    def before(cls) -> dict[str, Any]:
        """Return the values of settings in runs that are older than the setting, where they are not the default."""
        return {field.name: field.metadata["before"] for field in dataclasses.fields(cls) if "before" in field.metadata}

    def identity(self) -> Self:
        """Return the one form of these settings that decides which run they are; equal identities mean the same run.

        A subclass overrides this if different values of a setting can train the same run.
        """
        inner = {name: value.identity() for name, value in vars(self).items() if isinstance(value, Settings)}
        return dataclasses.replace(self, **inner) if inner else self

    def require(self, name: str, condition: bool, expected: str) -> None:
        """Raise `ConfigError` unless the condition on the field holds; a dotted name such as `task.modulus` is allowed.

        >>> from grok.config import TaskConfig
        >>> TaskConfig().require("modulus", False, "an even number")
        Traceback (most recent call last):
        grok.config.checks.ConfigError: task.modulus: expected an even number, got 113
        """
        require(condition, f"{self._prefix}{name}", expected, attrgetter(name)(self))

    def require_default(self, name: str, why: str) -> None:
        """Reject a value other than the default, for a field that would have no effect except on the run's identity.

        >>> from grok.config import OptimiserConfig
        >>> OptimiserConfig(rule="sgd", momentum=0.5).require_default("momentum", "with this rule")
        Traceback (most recent call last):
        grok.config.checks.ConfigError: optimiser.momentum: expected its default, 0.9, with this rule, got 0.5
        """
        default = type(self).__dataclass_fields__[name].default
        self.require(name, getattr(self, name) == default, f"its default, {default}, {why}")


_TYPES: dict[type[Settings], dict[str, Any]] = {}  # looking up the types takes longer than all other checks


def require(condition: bool, name: str, expected: str, got: object) -> None:
    """Raise `ConfigError` unless the condition holds.

    >>> require(False, "task.modulus", "a prime", 6)
    Traceback (most recent call last):
    grok.config.checks.ConfigError: task.modulus: expected a prime, got 6
    """
    if not condition:
        raise ConfigError(f"{name}: expected {expected}, got {got}")
