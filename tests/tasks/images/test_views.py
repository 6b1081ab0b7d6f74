"""A view changes each sample by its own random numbers, and the strong view fits the kind of samples."""

import pytest
import torch

from grok.random import stream
from grok.tasks.images import VIEWS, mnist1d_task, strong_view

SIGNALS = mnist1d_task().inputs[:6]
IMAGES = torch.randint(256, (6, 3, 8, 8), generator=stream(0, "images"), dtype=torch.uint8)
CASES = {
    "none": (VIEWS["none"](), SIGNALS),
    "crop-flip": (VIEWS["crop-flip"](), IMAGES),
    "shift-scale": (VIEWS["shift-scale"](), SIGNALS),
    "strong signals": (strong_view(SIGNALS), SIGNALS),
}


@pytest.mark.parametrize("case", CASES)
def test_each_sample_is_changed_by_its_own_numbers(case):
    view, inputs = CASES[case]
    drawn = view.draw(6, generator=stream(1, "view"))
    seen = view(inputs, drawn)
    assert seen.shape == inputs.shape
    assert seen.dtype == inputs.dtype
    assert torch.equal(seen, inputs) == (case == "none")
    for sample in range(6):
        alone = view(inputs[sample : sample + 1], {name: values[sample : sample + 1] for name, values in drawn.items()})
        assert torch.equal(alone[0], seen[sample])


def test_strong_images_are_made_beforehand_and_differ_with_the_seed_of_the_batch():
    view = strong_view(IMAGES)
    drawn = view.draw(6, generator=stream(1, "view"))
    first, same = view(IMAGES, drawn), view(IMAGES, drawn)
    other = view(IMAGES, drawn | {"seeds": drawn["seeds"] + 1})
    assert view.beforehand
    assert first.dtype == torch.uint8
    assert torch.equal(first, same)
    assert not torch.equal(first, other)
