"""Channels are normalised by the statistics that numpy gives."""

import numpy as np
import pytest
import torch

from grok.random import stream
from grok.tasks.images import channel_statistics, normalise

IMAGES = torch.randint(256, (2500, 3, 4, 5), generator=stream(0, "test"), dtype=torch.uint8) // torch.tensor(
    [[[1]], [[2]], [[5]]], dtype=torch.uint8
)


@pytest.mark.parametrize("inputs", [IMAGES, 1e4 + IMAGES[:, :, 0].float()], ids=["images", "signals with an offset"])
def test_statistics_are_those_of_all_samples_and_positions_in_double_precision(inputs):
    by_channel = np.moveaxis(inputs.double().numpy(), 1, 0).reshape(3, -1)
    mean, std = channel_statistics(inputs)
    torch.testing.assert_close(mean, torch.tensor(by_channel.mean(axis=1)).float(), rtol=1e-6, atol=0)
    torch.testing.assert_close(std, torch.tensor(by_channel.std(axis=1)).float(), rtol=1e-6, atol=0)


def test_normalised_bytes_are_floats_of_mean_0_and_variance_1():
    inputs = normalise(IMAGES, *channel_statistics(IMAGES))
    assert inputs.dtype == torch.float32
    torch.testing.assert_close(inputs.mean(dim=(0, 2, 3)), torch.zeros(3), rtol=0, atol=1e-5)
    torch.testing.assert_close(inputs.var(dim=(0, 2, 3), correction=0), torch.ones(3), rtol=0, atol=1e-5)


def test_a_constant_channel_is_refused():
    images = IMAGES.clone()
    images[:, 1] = 7
    with pytest.raises(ValueError, match=r"^inputs: expected channels that vary, got one value alone in channel 1$"):
        channel_statistics(images)
