"""Settings by their dotted names, such as `task.modulus`."""

from collections.abc import Mapping
from typing import Any, TypeVar

from grok.config.checks import ConfigError, Settings
from grok.config.serialise import config_from_json, config_to_json
from grok.config.types import did_you_mean

ConfigType = TypeVar("ConfigType", bound=Settings)


def dotted(values: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Return nested settings by their dotted names.

    >>> dotted({"task": {"modulus": 113}, "steps": 5})
    {'task.modulus': 113, 'steps': 5}
    """
    flat: dict[str, Any] = {}
    for name, value in values.items():
        flat |= dotted(value, f"{prefix}{name}.") if isinstance(value, Mapping) else {f"{prefix}{name}": value}
    return flat


def with_settings(config: ConfigType, changes: Mapping[str, Any]) -> ConfigType:
    """Return a config in which the settings with these dotted names have these values.

    >>> from grok.config import GrokkingConfig
    >>> with_settings(GrokkingConfig(), {"task.modulus": 31, "steps": 50}).task.modulus
    31

    Raises:
        ConfigError: if a name is no setting, or if the values are invalid, each by itself or together.
    """
    values = config_to_json(config)
    known = dotted(values)
    for name, value in changes.items():
        if name not in known:
            meant = did_you_mean(name, known) or f", one of {', '.join(known)}"
            raise ConfigError(f"{name}: no such setting{meant}")
        *sections, last = name.split(".")
        within = values
        for section in sections:
            within = within[section]
        within[last] = value
    return config_from_json(type(config), values)
