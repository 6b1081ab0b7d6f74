"""How a training step looks at its samples: as they are, or changed at random, weakly or strongly."""

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
"""Random numbers by name, the sample their first dimension."""


class View(ABC):
    """One way to look at a batch. The host draws the random numbers; the rest is work of the device alone."""

    beforehand: ClassVar[bool] = False
    """Whether it reads its numbers on the host, which no step can: then views are made for a block of steps at once."""

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


class ShiftAndScale(View):
    """Signals moved round by up to 2 positions, and scaled by up to a tenth."""

    def draw(self, count: int, *, generator: torch.Generator) -> Drawn:
        """Shifts and scales."""
        return draw_weak_signals(count, generator=generator)

    def __call__(self, inputs: Shaped[Tensor, "batch *shape"], drawn: Drawn) -> Shaped[Tensor, "batch *shape"]:
        """Each signal's weak view."""
        return weak_signals(inputs, **drawn)


class StrongSignals(View):
    """Signals after two of shift, scale, shear and noise, with a window cut out."""

    def __init__(self, length: int) -> None:
        self._length = length

    def draw(self, count: int, *, generator: torch.Generator) -> Drawn:
        """What is done to each."""
        return draw_strong_signals(count, self._length, generator=generator)

    def __call__(self, inputs: Shaped[Tensor, "batch *shape"], drawn: Drawn) -> Shaped[Tensor, "batch *shape"]:
        """Each signal's strong view."""
        return strong_signals(inputs, **drawn)


class StrongImages(View):
    """Images cropped and flipped, after two of fourteen operations, with a square cut out."""

    beforehand = True

    def __init__(self) -> None:
        require_kornia()

    def draw(self, count: int, *, generator: torch.Generator) -> Drawn:
        """Shifts, flips, and a seed, of which that of its first sample is the batch's."""
        shifts, flips = draw_shifts_and_flips(count, generator=generator)
        return {"shifts": shifts, "flips": flips, "seeds": torch.randint(2**31, (count,), generator=generator)}

    def __call__(self, inputs: Shaped[Tensor, "batch *shape"], drawn: Drawn) -> Shaped[Tensor, "batch *shape"]:
        """Each image's strong view."""
        cropped = crop_and_flip(inputs, drawn["shifts"].to(inputs.device), drawn["flips"].to(inputs.device))
        return rand_augment(cropped, seed=int(drawn["seeds"][0]))


VIEWS: dict[Augmentation, type[View]] = {"none": AsTheyAre, "crop-flip": CropAndFlip, "shift-scale": ShiftAndScale}
"""By the names that the config has for them; all are weak."""


def strong_view(inputs: Shaped[Tensor, "sample *shape"]) -> View:
    """The strong view of samples like these: images or signals."""
    return StrongImages() if inputs.ndim == 4 else StrongSignals(inputs.shape[-1])
