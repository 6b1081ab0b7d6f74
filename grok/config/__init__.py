"""Settings as frozen dataclasses. They are the command line too: each field is a flag, each docstring its help."""

from grok.config.checks import ConfigError, did_you_mean
from grok.config.grokking import GrokkingConfig
from grok.config.image_models import ConvNet1dConfig, ImageModelConfig, MLPConfig, WideResNetConfig
from grok.config.model import TransformerConfig
from grok.config.optimiser import OptimiserConfig
from grok.config.probes import ProbesConfig
from grok.config.schedule import Schedule
from grok.config.serialise import config_from_json, config_hash, config_to_json
from grok.config.task import TaskConfig

__all__ = [
    "ConfigError",
    "ConvNet1dConfig",
    "GrokkingConfig",
    "ImageModelConfig",
    "MLPConfig",
    "OptimiserConfig",
    "ProbesConfig",
    "Schedule",
    "TaskConfig",
    "TransformerConfig",
    "WideResNetConfig",
    "config_from_json",
    "config_hash",
    "config_to_json",
    "did_you_mean",
]
