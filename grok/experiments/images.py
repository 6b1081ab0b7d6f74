"""The base of the experiments on images and signals."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

from grok.config import OptimiserConfig
from grok.experiment import Experiment

if TYPE_CHECKING:
    from grok.tasks import Task
    from grok.tasks.images import DataFolder


class ImageExperiment(Experiment):
    """An experiment that trains on a data set of images or signals."""

    default_preset = "laptop"

    def task(self, config: Any, seed: int, data: DataFolder | None = None) -> Task:
        """Return the measured training samples and the test split, normalised."""
        from grok.tasks.images import DataFolder, make_image_task, measured_task

        return measured_task(make_image_task(config.task, seed, data or DataFolder()), config.task, seed)

    def check(self, config: Any, seed: int, data: DataFolder | None = None) -> None:
        """Reject a data set that is not available, or download it if `data` allows; the seed does not matter."""
        from grok.tasks.images import require_data

        if data is not None:
            require_data(config.task, data)

    def alike(self, config: Any) -> Any:
        """Return the config with a default optimiser, whose settings may differ in a stack."""
        return dataclasses.replace(config, optimiser=OptimiserConfig())
