"""Settings as frozen dataclasses. They are the command line too: each field is a flag, each docstring its help."""

from grok.config.capture import ExecutorName, fastest_executor, not_captured
from grok.config.checks import ConfigError, Settings, did_you_mean
from grok.config.connectivity import ConnectivityConfig
from grok.config.grokking import GrokkingConfig, TransformerTrainingConfig
from grok.config.image_models import ImageModelConfig
from grok.config.image_task import Augmentation, ImageTaskConfig
from grok.config.information_term import InformationTermConfig, SampledInformationTermConfig, TermName
from grok.config.model import TransformerConfig
from grok.config.norm_matched import NormMatchedConfig
from grok.config.optimiser import OptimiserConfig
from grok.config.probes import ClassifierProbesConfig, ProbesConfig
from grok.config.pruning import PruningConfig
from grok.config.schedule import Schedule
from grok.config.semi_supervised import SemiSupervisedConfig
from grok.config.serialise import config_from_json, config_hash, config_to_json, is_record_of
from grok.config.supervised import SupervisedConfig
from grok.config.task import TaskConfig

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
    "fastest_executor",
    "is_record_of",
    "not_captured",
]
