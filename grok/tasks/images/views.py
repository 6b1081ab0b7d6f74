"""How a training step looks at its samples: as they are, or changed at random."""

from abc import ABC, abstractmethod

import torch
from jaxtyping import Shaped
from torch import Tensor

from grok.config import Augmentation
from grok.tasks.images.augmentation import crop_and_flip, draw_shifts_and_flips

Drawn = dict[str, Tensor]
"""Random numbers by name, the sample their first dimension."""


class View(ABC):
    """One way to look at a batch: the host draws random numbers beforehand, and the rest is work of the device alone."""

    @abstractmethod
    def draw(self, count: int, *, generator: torch.Generator) -> Drawn:
        """What it takes for so many samples."""

    @abstractmethod
    def __call__(self, inputs: Shaped[Tensor, "batch *shape"], drawn: Drawn) -> Shaped[Tensor, "batch *shape"]:
        """The samples, each changed as its random numbers say."""


class AsTheyAre(View):
    """Nothing changed."""

    def draw(self, count: int, *, generator: torch.Generator) -> Drawn:
        """Nothing."""
        return {}

    def __call__(self, inputs: Shaped[Tensor, "batch *shape"], drawn: Drawn) -> Shaped[Tensor, "batch *shape"]:
        """The samples."""
        return inputs


class CropAndFlip(View):
    """Images shifted by up to 4 pixels, half of them mirrored."""

    def draw(self, count: int, *, generator: torch.Generator) -> Drawn:
        """Shifts and flips."""
        shifts, flips = draw_shifts_and_flips(count, generator=generator)
        return {"shifts": shifts, "flips": flips}

    def __call__(self, inputs: Shaped[Tensor, "batch *shape"], drawn: Drawn) -> Shaped[Tensor, "batch *shape"]:
        """Each image's window."""
        return crop_and_flip(inputs, drawn["shifts"], drawn["flips"])


VIEWS: dict[Augmentation, type[View]] = {"none": AsTheyAre, "crop-flip": CropAndFlip}
