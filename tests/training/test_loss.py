"""The loss is the mean cross-entropy, in the precision that was asked for."""

import math

import pytest
import torch

from grok.training.loss import cross_entropy


def test_float64_sees_what_float32_rounds_away():
    logits = torch.tensor([[40.0, 0.0]], requires_grad=True)
    targets = torch.tensor([0])
    assert cross_entropy(logits, targets, torch.float32) == 0
    loss = cross_entropy(logits, targets)
    assert loss.item() == pytest.approx(math.exp(-40), rel=1e-6)
    loss.backward()
    assert logits.grad.dtype == torch.float32
    assert logits.grad[0, 1].item() == pytest.approx(math.exp(-40), rel=1e-6)


def test_the_loss_is_the_mean_over_samples_in_nats():
    loss = cross_entropy(torch.tensor([[0.0, 0.0], [math.log(3), 0.0]]), torch.tensor([0, 1]))
    assert loss.item() == pytest.approx((math.log(2) + math.log(4)) / 2, rel=1e-6)
