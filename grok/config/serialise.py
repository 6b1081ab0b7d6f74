"""Settings as JSON, and the hash that names them."""

import dataclasses
import hashlib
import json
from collections.abc import Mapping
from typing import Any, TypeVar

from grok.config.checks import ConfigError, Settings

ConfigType = TypeVar("ConfigType", bound=Settings)


def config_to_json(config: Any) -> dict[str, Any]:
    """The settings as plain JSON values."""
    return json.loads(json.dumps(dataclasses.asdict(config)))


def config_from_json(config_type: type[ConfigType], values: Mapping[str, Any]) -> ConfigType:
    """Read what `config_to_json` wrote, with this version or one that knew fewer settings.

    A setting that is not named has its default, or what runs were trained with before there was such a setting.

    Raises:
        ConfigError: a setting that this version does not know, or a value that it cannot have.
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
    """Whether the settings of a run, as its record has them, are those of the config: all of them are compared.

    >>> from grok.config import GrokkingConfig
    >>> is_record_of(GrokkingConfig(), {"steps": 40_000}), is_record_of(GrokkingConfig(), {"steps": 50})
    (True, False)
    """
    try:
        return config_from_json(type(config), values) == config
    except ConfigError:  # of another experiment, or of a version that knew other settings
        return False


def config_hash(config: Settings) -> str:
    """Eight hexadecimal digits that name the settings; equal settings have equal hashes.

    Only what differs from the defaults goes into it, or from what runs were trained with before there was such a
    setting, so that a setting that is added changes no hash. Other settings can have the same hash once a default has
    changed. Whether two runs are the same is therefore decided by their whole configs (`is_record_of`).
    """
    text = json.dumps(_differing(config, type(config)()), sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:8]


def _differing(config: Settings, default: Settings) -> dict[str, Any]:
    """The settings in which the config differs from the default, as nested JSON values."""
    found = {}
    for name in config.setting_types():
        value, usual = getattr(config, name), getattr(default, name)
        if name in config.before():
            usual = getattr(dataclasses.replace(config, **{name: config.before()[name]}), name)
        if isinstance(value, Settings):
            if inner := _differing(value, usual):
                found[name] = inner
        elif value != usual:
            found[name] = value
    return found
