"""Settings as JSON, and the hash that names them."""

import dataclasses
import hashlib
import json
from collections.abc import Mapping
from typing import Any, Literal, TypeVar, get_args, get_origin, get_type_hints

from grok.config.checks import ConfigError, did_you_mean, require

ConfigType = TypeVar("ConfigType")


def config_to_json(config: Any) -> dict[str, Any]:
    """The settings as plain JSON values."""
    return json.loads(json.dumps(dataclasses.asdict(config)))


def config_from_json(config_type: type[ConfigType], values: Mapping[str, Any], *, within: str = "") -> ConfigType:
    """Read what `config_to_json` wrote, with this version or one that knew fewer settings: those have their defaults.

    `within` is what the settings are those of, such as "task.", for errors to name.

    Raises:
        ConfigError: a field that this version does not know, or cannot take.
    """
    hints = get_type_hints(config_type)
    if unknown := set(values) - set(hints):
        raise ConfigError(f"expected settings among {sorted(hints)}, got {sorted(unknown)}: another version wrote them")
    fields: dict[str, Any] = {}
    for name, value in values.items():
        if dataclasses.is_dataclass(hints[name]):
            fields[name] = config_from_json(hints[name], value, within=f"{within}{name}.")
        elif get_origin(hints[name]) is tuple:
            fields[name] = tuple(value)
        else:
            fields[name] = value
        if get_origin(hints[name]) is Literal:
            choices = get_args(hints[name])
            got = f"{value}{did_you_mean(str(value), choices)}"
            require(value in choices, f"{within}{name}", f"one of {', '.join(choices)}", got)
    return config_type(**fields)


def config_hash(config: Any) -> str:
    """Eight hexadecimal digits that name the settings; equal settings have equal hashes.

    Only what differs from the defaults goes into it: a setting that is added with the old behaviour as its default
    changes no hash. A default is therefore never changed; presets are.
    """
    text = json.dumps(_differing(config), sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:8]


def _differing(config: Any) -> dict[str, Any]:
    """The settings that are not at their defaults, as nested JSON values."""
    values, defaults = config_to_json(config), config_to_json(type(config)())

    def differing(values: dict[str, Any], defaults: dict[str, Any]) -> dict[str, Any]:
        found = {}
        for name, value in values.items():
            if isinstance(value, dict):
                if inner := differing(value, defaults[name]):
                    found[name] = inner
            elif value != defaults[name]:
                found[name] = value
        return found

    return differing(values, defaults)
