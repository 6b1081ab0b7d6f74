"""A seed gives independent streams, and another seed gives different streams."""

import pytest
import torch

from grok.random import stream


@pytest.mark.parametrize("seeds", [(0, 1), (0, 2**32), (7, 2**70)])
def test_streams_of_different_seeds_differ(seeds):
    first, second = (torch.rand(4, generator=stream(seed, "model")) for seed in seeds)
    assert not torch.equal(first, second)


def test_a_stream_is_the_same_on_every_machine():
    drawn = torch.randint(1000, (4,), generator=stream(0, "split")).tolist()
    assert drawn == [288, 905, 811, 808]
