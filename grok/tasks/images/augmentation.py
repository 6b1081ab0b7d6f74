"""Random crop and horizontal flip of a whole batch, on its device, from given random numbers."""

import torch
from jaxtyping import Bool, Int, Shaped
from torch import Tensor


def draw_shifts_and_flips(
    count: int, *, generator: torch.Generator, largest: int = 4
) -> tuple[Int[Tensor, "sample 2"], Bool[Tensor, "sample"]]:
    """Draw uniform shifts of -largest to largest pixels down and right, and flips of probability ½, for each sample."""
    shifts = torch.randint(-largest, largest + 1, (count, 2), generator=generator, device=generator.device)
    flips = torch.randint(2, (count,), generator=generator, device=generator.device).bool()
    return shifts, flips


def crop_and_flip(
    images: Shaped[Tensor, "sample channel height width"],
    shifts: Int[Tensor, "sample 2"],
    flips: Bool[Tensor, "sample"],
) -> Shaped[Tensor, "sample channel height width"]:
    """Return a window of each image, of the image's size, moved down and right by its shifts and mirrored if flipped.

    Outside the image the window shows its reflection at the border pixels. A shift must be smaller than height and
    width, which is not checked because the check would make the host wait for the device.

    With shifts of -4 to 4 this is the weak augmentation of Sohn et al., FixMatch, NeurIPS 2020. It is also the crop
    with padding 4 of He et al., Deep Residual Learning for Image Recognition, CVPR 2016, with reflections in place of
    black pixels.

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
    """Return positions along an axis, with those beyond either end reflected at that end."""
    last = size - 1
    return last - (last - positions.abs()).abs()
