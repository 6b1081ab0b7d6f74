"""Views of the samples of a training step: unchanged, or changed at random, weakly or strongly."""

from abc import ABC, abstractmethod
from typing import ClassVar

import torch
from jaxtyping import Shaped
from torch import Tensor

from grok.config import Augmentation
from grok.tasks.images.augmentation import crop_and_flip, draw_shifts_and_flips
from grok.tasks.images.rand_augment import rand_augment, require_kornia
from grok.tasks.images.signals import draw_strong_signals, draw_weak_signals, strong_signals, weak_signals

Drawn = dict[str, Tensor]
"""Random numbers by name; their first axis is the sample."""


class View(ABC):
    """A random change of the samples of a batch. The host draws the random numbers, and the device does the rest."""

    beforehand: ClassVar[bool] = False
    """Whether the view reads its numbers on the host. No step can, so these views are made for a block of steps."""

    @abstractmethod
    def draw(self, count: int, *, generator: torch.Generator) -> Drawn:
        """Draw the random numbers for `count` samples."""

    @abstractmethod
    def __call__(self, inputs: Shaped[Tensor, "batch *shape"], drawn: Drawn) -> Shaped[Tensor, "batch *shape"]:
        """Return the samples, each changed according to its random numbers."""


class AsTheyAre(View):
    """Leaves the samples unchanged."""

    def draw(self, count: int, *, generator: torch.Generator) -> Drawn:
        """Draw no numbers."""
        return {}

    def __call__(self, inputs: Shaped[Tensor, "batch *shape"], drawn: Drawn) -> Shaped[Tensor, "batch *shape"]:
        """Return the samples."""
        return inputs


class CropAndFlip(View):
    """Shifts images by up to 4 pixels, and mirrors half of them."""

    def draw(self, count: int, *, generator: torch.Generator) -> Drawn:
        """Draw shifts and flips."""
        shifts, flips = draw_shifts_and_flips(count, generator=generator)
        return {"shifts": shifts, "flips": flips}

    def __call__(self, inputs: Shaped[Tensor, "batch *shape"], drawn: Drawn) -> Shaped[Tensor, "batch *shape"]:
        """Return the window of each image."""
        return crop_and_flip(inputs, drawn["shifts"], drawn["flips"])


class ShiftAndScale(View):
    """Moves signals cyclically by up to 2 positions, and scales them by up to a tenth."""

    def draw(self, count: int, *, generator: torch.Generator) -> Drawn:
        """Draw shifts and scales."""
        return draw_weak_signals(count, generator=generator)

    def __call__(self, inputs: Shaped[Tensor, "batch *shape"], drawn: Drawn) -> Shaped[Tensor, "batch *shape"]:
        """Return the weak view of each signal."""
        return weak_signals(inputs, **drawn)


class StrongSignals(View):
    """Applies two of shift, scale, shear and noise to signals, and cuts out a window."""

    def __init__(self, length: int) -> None:
        self._length = length

    def draw(self, count: int, *, generator: torch.Generator) -> Drawn:
        """Draw the numbers of `strong_signals`."""
        return draw_strong_signals(count, self._length, generator=generator)

    def __call__(self, inputs: Shaped[Tensor, "batch *shape"], drawn: Drawn) -> Shaped[Tensor, "batch *shape"]:
        """Return the strong view of each signal."""
        return strong_signals(inputs, **drawn)


class StrongImages(View):
    """Crops and flips images, applies two of fourteen operations, and cuts out a square."""

    beforehand = True

    def __init__(self) -> None:
        require_kornia()

    def draw(self, count: int, *, generator: torch.Generator) -> Drawn:
        """Draw shifts, flips and seeds; the seed of the first sample of a batch is the seed of the batch."""
        shifts, flips = draw_shifts_and_flips(count, generator=generator)
        return {"shifts": shifts, "flips": flips, "seeds": torch.randint(2**31, (count,), generator=generator)}

    def __call__(self, inputs: Shaped[Tensor, "batch *shape"], drawn: Drawn) -> Shaped[Tensor, "batch *shape"]:
        """Return the strong view of each image."""
        cropped = crop_and_flip(inputs, drawn["shifts"].to(inputs.device), drawn["flips"].to(inputs.device))
        return rand_augment(cropped, seed=int(drawn["seeds"][0]))


VIEWS: dict[Augmentation, type[View]] = {"none": AsTheyAre, "crop-flip": CropAndFlip, "shift-scale": ShiftAndScale}
"""The weak views, by the names that the config uses."""


def strong_view(inputs: Shaped[Tensor, "sample *shape"]) -> View:
    """Return the strong view for samples such as these, which are images or signals."""
    return StrongImages() if inputs.ndim == 4 else StrongSignals(inputs.shape[-1])
