"""Strong views of a whole batch of images on its device, by RandAugment followed by Cutout."""

import math
from functools import cache

import torch
from jaxtyping import Float, Int, Shaped, UInt8
from torch import Tensor, nn

from grok.random import stream
from grok.tasks.images.image_task import DataError

OPERATIONS_EACH = 2  # operations per image, as in FixMatch
SHEAR = math.degrees(math.atan(0.3))  # 0.3 pixels per row, as the angle that kornia expects
LARGEST_CUT = 0.5  # side of the square, in sides of the image, as in TorchSSL for FixMatch and FreeMatch
GREY = 127  # of 0 to 255: near the mean of natural images, so near 0 after normalisation


def rand_augment(
    images: UInt8[Tensor, "sample 3 height width"], *, seed: int
) -> UInt8[Tensor, "sample 3 height width"]:
    """Apply two of fourteen operations to each image, each with its own magnitude, and then a grey square.

    The result depends only on the images and the seed. The operations and their ranges are those of Sohn et al.,
    FixMatch, NeurIPS 2020, who draw the magnitudes of RandAugment (Cubuk et al., CVPR Workshops 2020) anew for each
    image. Every image draws its own operations, possibly the same one twice. kornia's RandAugment draws operations once
    per batch, so its single operations are applied here to the images that drew them. Pixels from outside the image are
    black. All random numbers are drawn on the host, so views on different devices differ only by rounding. The global
    generators are left unchanged.

    Raises:
        DataError: if kornia is not installed.
    """
    operations = _operations()
    generator = stream(seed, "rand-augment")
    chosen = torch.randint(len(operations), (OPERATIONS_EACH, len(images)), generator=generator)
    squares = draw_cutouts(len(images), *images.shape[2:], generator=generator)
    changed = images / 255
    with torch.random.fork_rng(devices=[]):  # kornia draws magnitudes from torch's global CPU generator
        torch.default_generator.set_state(stream(seed, "rand-augment/magnitudes").get_state())
        for numbers in chosen:
            changed = _each_by_its_own(changed, operations, numbers)
    changed = (changed * 255).round().to(torch.uint8)
    return cutout(changed, **{name: drawn.to(images.device) for name, drawn in squares.items()})


def require_kornia() -> None:
    """Check that kornia is installed before a training begins.

    Raises:
        DataError: if kornia is not installed.
    """
    _operations()


def draw_cutouts(
    count: int, height: int, width: int, *, generator: torch.Generator
) -> dict[str, Float[Tensor, "sample *axis"]]:
    """Draw squares for `cutout`.

    Centres are uniform over the image, and sides are uniform up to half of the image's shorter side.
    """
    size = torch.tensor([height, width], device=generator.device)
    sides = torch.rand(count, generator=generator, device=generator.device)
    return {
        "centres": torch.rand(count, 2, generator=generator, device=generator.device) * size,
        "sides": sides * LARGEST_CUT * min(height, width),
    }


def cutout(
    images: Shaped[Tensor, "sample channel height width"],
    *,
    centres: Float[Tensor, "sample 2"],
    sides: Float[Tensor, "sample"],
) -> Shaped[Tensor, "sample channel height width"]:
    """Return each image with a grey square of value 127 around its centre, which is given in pixels down and right.

    A pixel belongs to the square if its middle does. The square may reach beyond the image.

    Source: DeVries & Taylor, Improved Regularization of Convolutional Neural Networks with Cutout, arXiv 1708.04552,
    2017.

    >>> black = torch.zeros(1, 1, 2, 4, dtype=torch.uint8)
    >>> cutout(black, centres=torch.tensor([[0.5, 3.5]]), sides=torch.tensor([2.5])).tolist()
    [[[[0, 0, 127, 127], [0, 0, 127, 127]]]]
    """
    rows, columns = (torch.arange(size, device=images.device) + 0.5 for size in images.shape[2:])
    down = (rows - centres[:, :1]).abs() < sides[:, None] / 2
    right = (columns - centres[:, 1:]).abs() < sides[:, None] / 2
    return images.masked_fill(down[:, None, :, None] & right[:, None, None, :], GREY)


def _each_by_its_own(
    images: Float[Tensor, "sample 3 height width"], operations: nn.ModuleList, numbers: Int[Tensor, "sample"]
) -> Float[Tensor, "sample 3 height width"]:
    """Apply to each image the operation of its number."""
    changed = images.clone()
    for number in numbers.unique().tolist():
        members = (numbers == number).nonzero().flatten().to(images.device)
        changed[members] = operations[number](images[members])
    return changed


@cache
def _operations() -> nn.ModuleList:
    """Return FixMatch's operations from kornia, on values of 0 to 1; each operation draws a magnitude per image."""
    try:
        import kornia.augmentation as kornia  # the import takes a second, so it is done on first use
    except ImportError:
        raise DataError("kornia: expected an installation, got none (pip install '.[images]')") from None
    lessened = (0.05, 0.95)
    return nn.ModuleList(
        [
            nn.Identity(),
            kornia.RandomAutoContrast(p=1.0),
            kornia.RandomEqualize(p=1.0),
            # ColorJitter agrees with Pillow and FixMatch. RandomBrightness would add, and RandomContrast multiply.
            kornia.ColorJitter(brightness=lessened, p=1.0),
            kornia.ColorJitter(contrast=lessened, p=1.0),
            kornia.ColorJitter(saturation=lessened, p=1.0),
            kornia.RandomSharpness(lessened, p=1.0),
            kornia.RandomPosterize((4.0, 8.0), p=1.0),
            kornia.RandomSolarize(thresholds=(0.0, 1.0), additions=(0.0, 0.0), p=1.0),
            kornia.RandomRotation(30.0, p=1.0),
            kornia.RandomShear((-SHEAR, SHEAR), p=1.0),
            kornia.RandomShear((0.0, 0.0, -SHEAR, SHEAR), p=1.0),
            kornia.RandomTranslate((-0.3, 0.3), None, p=1.0),
            kornia.RandomTranslate(None, (-0.3, 0.3), p=1.0),
        ]
    )
