"""Conversion of TOML values to settings of the types that their dataclasses declare."""

import dataclasses
from collections.abc import Iterator, Mapping
from types import NoneType
from typing import Any, get_type_hints

from grok.config import ConfigError, did_you_mean
from grok.config.types import as_type, describe, options_of

NONE = "none"  # TOML has no null


def flatten(config_type: type[Any], values: Mapping[str, Any]) -> Iterator[tuple[tuple[str, ...], Any, Any]]:
    """Yield keys, type and value in the file for each setting in nested tables, in order.

    Raises:
        SettingError: if a key is not a setting, or if a table stands in place of a value or the reverse.
    """
    hints = get_type_hints(config_type)
    for key, value in values.items():
        if key not in hints:
            raise SettingError((key,), _unknown(key, hints))
        try:
            if not dataclasses.is_dataclass(hints[key]):
                yield (key,), hints[key], value
            elif isinstance(value, dict):
                for keys, hint, inner in flatten(hints[key], value):
                    yield (key, *keys), hint, inner
            else:
                example = f"{key}.{next(iter(get_type_hints(hints[key])))}"
                raise SettingError((), f"expected one of its settings, such as {example}, got {as_toml(value)}")
        except SettingError as error:
            raise SettingError((key, *error.keys), error.why) from None


class SettingError(ConfigError):
    """Raised for a key that is not a setting, or for an invalid value."""

    def __init__(self, keys: tuple[str, ...], why: str) -> None:
        super().__init__(f"{'.'.join(keys)}: {why}")
        self.keys, self.why = keys, why


def value_as(hint: Any, value: Any) -> Any:
    """Return the value in the form of its type, so that equal settings have equal hashes; "none" becomes None.

    >>> value_as(float, 1), value_as(int | None, "none"), value_as(tuple[float, float], [0, 0.9])
    (1.0, None, (0.0, 0.9))

    Raises:
        TypeError: if the value has another type; the message is what was expected.
    """
    none = NoneType in options_of(hint) and value == NONE
    try:
        return as_type(hint, None if none else value)
    except TypeError:
        raise TypeError(describe(hint, toml=True)) from None


def as_toml(value: Any) -> str:
    """Return a value in TOML notation.

    >>> as_toml("add"), as_toml(None), as_toml(0.3), as_toml((0.9, 0.98))
    ('"add"', '"none"', '0.3', '[0.9, 0.98]')
    """
    if isinstance(value, tuple | list):
        return f"[{', '.join(as_toml(each) for each in value)}]"
    if isinstance(value, bool):
        return str(value).lower()
    if value is None or isinstance(value, str):
        return f'"{NONE if value is None else value}"'
    return str(value)


def _unknown(key: str, hints: Mapping[str, Any]) -> str:
    if "." in key:
        return "expected a setting, got a quoted name with dots: write it without quotes"
    listed = f", one of {', '.join(hints)}"
    return f"no such setting{did_you_mean(key, hints) or listed}"
