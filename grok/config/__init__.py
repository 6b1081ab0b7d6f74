"""Settings as frozen dataclasses, which also define the command line: each field is a flag, its docstring the help."""

from grok.config.checks import ConfigError, Settings
from grok.config.dotted import dotted, with_settings
from grok.config.grokking import GrokkingConfig, NormMatchedConfig, TransformerConfig, TransformerTrainingConfig
from grok.config.images import Augmentation, ImageModelConfig, ImageTaskConfig
from grok.config.probes import ClassifierProbesConfig, ProbesConfig, Schedule
from grok.config.semi_supervised import SemiSupervisedConfig
from grok.config.serialise import config_from_json, config_hash, config_to_json, is_record_of
from grok.config.supervised import ConnectivityConfig, PruningConfig, SupervisedConfig
from grok.config.task import TaskConfig
from grok.config.types import did_you_mean
from grok.config.update import (
    ExecutorName,
    InformationTermConfig,
    OptimiserConfig,
    SampledInformationTermConfig,
    TermName,
    fastest_executor,
    not_captured,
)

__all__ = [
    "Augmentation",
    "ClassifierProbesConfig",
    "ConfigError",
    "ConnectivityConfig",
    "ExecutorName",
    "GrokkingConfig",
    "ImageModelConfig",
    "ImageTaskConfig",
    "InformationTermConfig",
    "NormMatchedConfig",
    "OptimiserConfig",
    "ProbesConfig",
    "PruningConfig",
    "SampledInformationTermConfig",
    "Schedule",
    "SemiSupervisedConfig",
    "Settings",
    "SupervisedConfig",
    "TaskConfig",
    "TermName",
    "TransformerConfig",
    "TransformerTrainingConfig",
    "config_from_json",
    "config_hash",
    "config_to_json",
    "did_you_mean",
    "dotted",
    "fastest_executor",
    "is_record_of",
    "not_captured",
    "with_settings",
]
