"""The neurons' structure is that of their mean activations given the first token."""

import pytest
import torch

from tests.reference.fourier import naive_concentration, naive_power, naive_single


def test_the_columns_follow_their_definitions(learner, measured):
    inputs = torch.cat([learner.samples(split).inputs for split in ("train", "test")])
    activations = learner.model.neurons(inputs).detach()
    means = torch.stack([activations[inputs[:, 0] == a].mean(dim=0) for a in range(11)]).numpy()
    expected = naive_concentration(naive_power(means, range(11))) | {"single": naive_single(means, range(11))}
    found = {value: measured[f"fourier/neurons/{value}"] for value in expected}
    assert found == pytest.approx(expected, rel=1e-4)
