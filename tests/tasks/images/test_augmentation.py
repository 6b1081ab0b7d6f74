"""A batch is cropped and flipped as if each of its images were cropped and flipped by hand."""

import itertools

import pytest
import torch

from grok.random import stream
from grok.tasks.images import crop_and_flip, draw_shifts_and_flips
from tests.reference.augmentation import cropped_and_flipped


@pytest.mark.parametrize("dtype", [torch.uint8, torch.float32])
def test_every_shift_and_flip_is_the_one_by_hand(dtype):
    moves = list(itertools.product(range(-4, 5), range(-4, 5), (False, True)))
    images = torch.randint(1, 256, (len(moves), 3, 5, 7), generator=stream(0, "test")).to(dtype)
    shifts, flips = torch.tensor([move[:2] for move in moves]), torch.tensor([move[2] for move in moves])
    ours = crop_and_flip(images, shifts, flips)
    assert ours.dtype == dtype
    assert torch.equal(ours, cropped_and_flipped(images, shifts, flips))


def test_stacked_members_are_augmented_each_by_its_own_draws():
    images = torch.randint(256, (2, 6, 3, 8, 8), generator=stream(0, "test"))
    draws = [draw_shifts_and_flips(6, generator=stream(seed, "augment")) for seed in (0, 1)]
    shifts, flips = (torch.stack(tensors) for tensors in zip(*draws, strict=True))
    stacked = torch.func.vmap(crop_and_flip)(images, shifts, flips)
    for member in (0, 1):
        assert torch.equal(stacked[member], crop_and_flip(images[member], *draws[member]))


def test_shifts_are_uniform_and_half_of_the_images_are_flipped():
    shifts, flips = draw_shifts_and_flips(90_000, generator=stream(0, "augment"), largest=1)
    cells = torch.bincount((shifts[:, 0] + 1) * 3 + shifts[:, 1] + 1, minlength=9)
    assert len(cells) == 9
    torch.testing.assert_close(cells / 90_000, torch.full((9,), 1 / 9), rtol=0, atol=0.005)
    for flipped in (flips, flips[shifts[:, 0] == 1], flips[shifts[:, 1] == -1]):
        assert flipped.double().mean().item() == pytest.approx(0.5, abs=0.01)
