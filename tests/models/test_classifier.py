"""A classifier's logits are the head's outputs for its features."""

import torch

from tests.helpers import small_member


def test_logits_are_the_head_on_the_features():
    learner = small_member().learner
    inputs = learner.samples("train").inputs[:9]
    expected = learner.model.features(inputs) @ learner.model.head.weight.T
    torch.testing.assert_close(learner.model(inputs), expected)
