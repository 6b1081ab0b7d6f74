"""Settings as JSON, and the hash that names them."""

import dataclasses
import hashlib
import json
from collections.abc import Mapping
from typing import Any, TypeVar

from grok.config.checks import ConfigError, Settings

ConfigType = TypeVar("ConfigType", bound=Settings)


def config_to_json(config: Any) -> dict[str, Any]:
    """Return the settings as plain JSON values."""
    return json.loads(json.dumps(dataclasses.asdict(config)))


def config_from_json(config_type: type[ConfigType], values: Mapping[str, Any]) -> ConfigType:
    """Read settings that `config_to_json` wrote in this version or in an earlier one with fewer settings.

    A missing setting gets its default, or the value that runs were trained with before the setting existed.

    Raises:
        ConfigError: if a setting is unknown to this version, or if a value is invalid.
    """
    types = config_type.setting_types()
    if unknown := set(values) - set(types):
        raise ConfigError(f"expected settings among {sorted(types)}, got {sorted(unknown)}: another version wrote them")
    read = {
        name: config_from_json(types[name], value)
        if dataclasses.is_dataclass(types[name]) and isinstance(value, Mapping)
        else value
        for name, value in values.items()
    }
    return config_type(**config_type.before() | read)


def is_record_of(config: Settings, values: Mapping[str, Any]) -> bool:
    """Return whether a run that recorded these settings is a run of the config (`Settings.identity`).

    All settings are compared.

    >>> from grok.config import GrokkingConfig
    >>> is_record_of(GrokkingConfig(), {"steps": 40_000}), is_record_of(GrokkingConfig(), {"steps": 50})
    (True, False)
    """
    try:
        return config_from_json(type(config), values).identity() == config.identity()
    except ConfigError:  # another experiment or version, with other settings, wrote them
        return False


def config_hash(config: Settings) -> str:
    """Return eight hexadecimal digits that name the settings; equal identities have equal hashes.

    The hash covers only the settings that differ from their defaults. If a field declares the value that earlier runs
    were trained with, that value takes the place of the default. A setting that is added, or a default that is changed,
    then changes no hash. A default that changes without such a declaration gives different settings the same hash.
    Whether two runs are the same is therefore decided by their whole configs (`is_record_of`).
    """
    text = json.dumps(_differing(config.identity(), type(config)()), sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:8]


def _differing(config: Settings, default: Settings) -> dict[str, Any]:
    """Return the settings in which the config differs from the default, as nested JSON values."""
    found = {}
    for name in config.setting_types():
        value, usual = getattr(config, name), config.before().get(name, getattr(default, name))
        if isinstance(value, Settings):
            if inner := _differing(value, usual):
                found[name] = inner
        elif value != usual:
            found[name] = value
    return found
