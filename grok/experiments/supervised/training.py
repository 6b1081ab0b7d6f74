"""Standard training on images or signals."""

import torch

from grok.config import SupervisedConfig
from grok.experiments.image_training import image_training
from grok.tasks.images import DataFolder
from grok.training.learning_rate import LearningRateSchedule
from grok.training.phases import Phase
from grok.training.step import Member


def build(config: SupervisedConfig, seed: int, device: torch.device, folder: DataFolder | None) -> Member:
    """Return the network at step 0."""
    phase = Phase(steps=config.steps, learning_rate=LearningRateSchedule.of(config.optimiser))
    return image_training(config, seed, device, folder).member([phase])
