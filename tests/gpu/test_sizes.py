"""Sizes travel to the process of a part as JSON, and the full ones are the paper's."""

import json

from grok.gpu.sizes import FULL, SMALL, Sizes


def test_sizes_survive_the_journey():
    for sizes in (FULL, SMALL):
        assert Sizes.of_json(json.loads(json.dumps(sizes.json()))) == sizes


def test_the_full_sizes_are_those_of_the_targets():
    assert (FULL.modulus, FULL.depth, FULL.width, FULL.batch_size) == (113, 28, 2, 64)
    assert FULL.members == (1, 8, 64, 256)
    assert FULL.run_steps is None
    assert FULL.preset == "gpu"
