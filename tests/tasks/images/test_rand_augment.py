"""Each image of a batch is augmented by operations of its own, and a grey square is cut out of each."""

import math
import random
import sys

import numpy as np
import pytest
import torch
from PIL import Image, ImageEnhance, ImageOps
from torch import nn

from grok.random import stream
from grok.tasks.images import DataError, cutout, draw_cutouts, rand_augment
from grok.tasks.images.rand_augment import _operations
from tests.reference.tape import Tape


def photographs(count=24, size=32):
    """Coloured gradients with some noise."""
    ramp = torch.linspace(20, 200, size).expand(size, -1)
    noise = torch.randint(50, (count, 3, size, size), generator=stream(0, "test"))
    return (torch.stack([ramp, ramp.flip(1), ramp.T]) + noise).byte()


class TestRandAugment:
    def test_the_seed_alone_decides_and_global_generators_stay(self):
        images = photographs()
        first = rand_augment(images, seed=0)
        torch.rand(3), np.random.rand(3), random.random()
        states = torch.get_rng_state(), np.random.get_state()[1].copy(), random.getstate()
        assert torch.equal(rand_augment(images, seed=0), first)
        assert torch.equal(torch.get_rng_state(), states[0])
        assert np.array_equal(np.random.get_state()[1], states[1])
        assert random.getstate() == states[2]
        assert not any(torch.equal(*pair) for pair in zip(rand_augment(images, seed=1), first, strict=True))
        assert torch.equal(images, photographs())

    def test_every_image_draws_its_own_two_operations(self, monkeypatch):
        factors = (1, 2, 3, 5, 7)
        module = sys.modules[rand_augment.__module__]  # its name in the package is the function's
        monkeypatch.setattr(module, "_operations", lambda: nn.ModuleList(Times(by) for by in factors))
        ones = torch.ones(5000, 3, 4, 4, dtype=torch.uint8)
        products = rand_augment(ones, seed=0).flatten(1).mode(dim=1).values  # a square covers a quarter at most
        expected = torch.zeros(50)
        for first in factors:
            for second in factors:
                expected[first * second] += 1 / 25
        torch.testing.assert_close(products.int().bincount(minlength=50) / 5000, expected, rtol=0, atol=0.015)

    @pytest.mark.parametrize(
        ("place", "magnitudes", "changed"),
        [
            (1, [], ImageOps.autocontrast),
            (2, [], ImageOps.equalize),
            (3, ["brightness_factor"], lambda image, factor: ImageEnhance.Brightness(image).enhance(factor)),
            (4, ["contrast_factor"], lambda image, factor: ImageEnhance.Contrast(image).enhance(factor)),
            (5, ["saturation_factor"], lambda image, factor: ImageEnhance.Color(image).enhance(factor)),
            (6, ["sharpness"], lambda image, factor: ImageEnhance.Sharpness(image).enhance(factor)),
            (7, ["bits_factor"], lambda image, bits: ImageOps.posterize(image, int(bits))),
            (8, ["thresholds"], lambda image, threshold: ImageOps.solarize(image, 255 * threshold)),
        ],
    )
    def test_colours_change_as_pillow_changes_them(self, place, magnitudes, changed):
        images, operation = photographs(), _operations()[place]
        views = operation(images / 255) * 255
        drawn = [operation._params[magnitude].tolist() for magnitude in magnitudes]
        for image, view, *magnitude in zip(images, views, *drawn, strict=True):
            pillow = changed(Image.fromarray(image.permute(1, 2, 0).numpy()), *magnitude)
            theirs = torch.tensor(np.array(pillow)).permute(2, 0, 1).float()
            torch.testing.assert_close(view, theirs, rtol=0, atol=1.5)  # one grey level, and its rounding

    @pytest.mark.parametrize(
        ("place", "axis", "most"),
        [
            (9, "right", 15 * math.tan(math.radians(30))),  # rotated by 30 degrees
            (10, "right", 15 * 0.3),  # sheared by 0.3 pixels a row
            (11, "down", 15 * 0.3),  # and a column
            (12, "right", 41 * 0.3),  # translated by 0.3 of the width
            (13, "down", 41 * 0.3),  # and of the height
        ],
    )
    def test_lines_are_moved_as_far_as_fixmatch_moves_them(self, place, axis, most):
        images = torch.zeros(300, 3, 41, 41)
        images[..., 20] = 1  # a line from top to bottom
        operation = _operations()[place]
        views = operation(images) if axis == "right" else operation(images.mT).mT
        moved = views[:, 0, 5].argmax(dim=1) - 20  # 15 rows above the middle
        assert moved.max().item() == pytest.approx(most, abs=1)
        assert moved.min().item() == pytest.approx(-most, abs=1)

    def test_without_kornia_the_mend_is_said(self, monkeypatch):
        monkeypatch.setitem(sys.modules, "kornia.augmentation", None)
        _operations.cache_clear()
        with pytest.raises(DataError) as error:
            rand_augment(photographs(), seed=0)
        assert str(error.value) == "kornia: expected an installation, got none (pip install '.[images]')"


class TestCutout:
    def test_squares_are_those_by_hand(self):
        images, drawn = photographs(50, size=8), draw_cutouts(50, 8, 8, generator=stream(0, "cutout"))
        by_hand = images.clone()
        for image, (down, right), side in zip(by_hand, drawn["centres"].tolist(), drawn["sides"].tolist(), strict=True):
            for row in range(8):
                for column in range(8):
                    if max(abs(row + 0.5 - down), abs(column + 0.5 - right)) < side / 2:
                        image[:, row, column] = 127
        assert torch.equal(cutout(images, **drawn), by_hand)
        assert not torch.equal(images, by_hand)

    def test_centres_lie_anywhere_and_sides_are_up_to_half_of_the_shorter(self):
        drawn = draw_cutouts(20_000, 10, 40, generator=stream(0, "cutout"))
        quarters = torch.linspace(0, 1, 5)
        for values, most in ((drawn["centres"][:, 0], 10), (drawn["centres"][:, 1], 40), (drawn["sides"], 5)):
            torch.testing.assert_close(torch.quantile(values, quarters), quarters * most, rtol=0, atol=0.02 * most)

    def test_stacked_members_are_cut_each_by_its_own_draws(self):
        images = photographs(12).view(2, 6, 3, 32, 32)
        drawn = draw_cutouts(12, 32, 32, generator=stream(0, "cutout"))
        stacked = torch.func.vmap(lambda inputs, centres, sides: cutout(inputs, centres=centres, sides=sides))(
            images, drawn["centres"].view(2, 6, 2), drawn["sides"].view(2, 6)
        )
        assert torch.equal(stacked.flatten(0, 1), cutout(images.flatten(0, 1), **drawn))

    def test_a_captured_step_reads_what_is_drawn_for_it(self):
        images = photographs()
        drawn, other = (draw_cutouts(24, 32, 32, generator=stream(seed, "cutout")) for seed in (0, 1))
        with Tape() as tape:
            output = cutout(images, **drawn)
        for name, values in other.items():
            drawn[name].copy_(values)
        tape.replay()
        assert torch.equal(output, cutout(images, **other))


class Times(nn.Module):
    def __init__(self, factor):
        super().__init__()
        self.factor = factor

    def forward(self, images):
        return images * self.factor
