"""Random crop and horizontal flip of a whole batch, on its device, from given random numbers."""

import torch
from jaxtyping import Bool, Int, Shaped
from torch import Tensor


def draw_shifts_and_flips(
    count: int, *, generator: torch.Generator, largest: int = 4
) -> tuple[Int[Tensor, "sample 2"], Bool[Tensor, "sample"]]:
    """Uniform shifts of -largest to largest pixels down and right, and flips of probability ½, for `count` samples."""
    shifts = torch.randint(-largest, largest + 1, (count, 2), generator=generator, device=generator.device)
    flips = torch.randint(2, (count,), generator=generator, device=generator.device).bool()
    return shifts, flips


def crop_and_flip(
    images: Shaped[Tensor, "sample channel height width"],
    shifts: Int[Tensor, "sample 2"],
    flips: Bool[Tensor, "sample"],
) -> Shaped[Tensor, "sample channel height width"]:
    """Each image's window, as large as the image, moved down and right by its shifts, then mirrored if it is to be.

    Outside the image is the image reflected at its border pixels. A shift is smaller than height and width: this is not
    checked, as the check would wait for the device. With shifts of -4 to 4 this is the crop with padding 4 of He et
    al., Deep Residual Learning for Image Recognition, CVPR 2016, reflected where theirs is black: the weak augmentation
    of Sohn et al., FixMatch, NeurIPS 2020.

    >>> image = torch.tensor([[[[1, 2, 3, 4]]]])
    >>> crop_and_flip(image, torch.tensor([[0, 1]]), torch.tensor([False])).tolist()
    [[[[2, 3, 4, 3]]]]
    >>> crop_and_flip(image, torch.tensor([[0, 1]]), torch.tensor([True])).tolist()
    [[[[3, 4, 3, 2]]]]
    """
    height, width = images.shape[2:]
    rows = torch.arange(height, device=images.device) + shifts[:, :1]
    columns = torch.arange(width, device=images.device)
    columns = torch.where(flips[:, None], columns.flip(0), columns) + shifts[:, 1:]
    samples, channels = (torch.arange(size, device=images.device) for size in images.shape[:2])
    return images[
        samples[:, None, None, None],
        channels[:, None, None],
        _reflected(rows, height)[:, None, :, None],
        _reflected(columns, width)[:, None, None, :],
    ]


def _reflected(positions: Int[Tensor, "sample position"], size: int) -> Int[Tensor, "sample position"]:
    """Positions along an axis, those before its first or past its last brought back by reflection there."""
    last = size - 1
    return last - (last - positions.abs()).abs()
