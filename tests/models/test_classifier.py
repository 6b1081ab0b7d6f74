"""A classifier's logits are its head on its features."""

import torch

from tests.helpers import small_engine


def test_logits_are_the_head_on_the_features():
    engine = small_engine()
    inputs = engine.task.inputs[:9]
    expected = engine.model.features(inputs) @ engine.model.head.weight.T
    torch.testing.assert_close(engine.model(inputs), expected)
