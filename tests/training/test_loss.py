"""A loss is the mean cross-entropy of softmax or StableMax, in the requested precision."""

import math

import pytest
import torch

from grok.training.loss import IGNORED, LOSSES, cross_entropy, stablemax_cross_entropy


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


def naive_stablemax(logits, targets):
    grown = torch.where(logits >= 0, logits + 1, 1 / (1 - logits))
    chosen = grown[torch.arange(len(targets)), targets] / grown.sum(dim=1)
    return -chosen.log().mean()


def test_stablemax_is_its_formula_and_its_gradient_that_of_finite_differences():
    generator = torch.Generator().manual_seed(0)
    logits = 3 * torch.randn(6, 5, dtype=torch.float64, generator=generator)
    logits[0, 2] = 0.0  # where the two branches meet
    targets = torch.tensor([2, 1, 0, 3, 4, 4])
    assert stablemax_cross_entropy(logits, targets).item() == pytest.approx(
        naive_stablemax(logits, targets).item(), rel=1e-12
    )
    assert torch.autograd.gradcheck(lambda x: stablemax_cross_entropy(x, targets), logits.requires_grad_())


def test_stablemax_of_huge_logits_is_its_closed_form_with_its_gradient():
    logits = torch.tensor([[1e4, -1e4]], requires_grad=True)
    large, small = 10_001.0, 1 / 10_001.0
    right, wrong = (stablemax_cross_entropy(logits, torch.tensor([target])) for target in (0, 1))
    assert right.item() == pytest.approx(math.log1p(small / large), rel=1e-6)
    assert wrong.item() == pytest.approx(math.log(large**2 + 1), rel=1e-12)
    (gradient,) = torch.autograd.grad(right, logits)
    assert gradient[0, 1].item() == pytest.approx(small**2 / (large + small), rel=1e-6)
    assert gradient.dtype == torch.float32


@pytest.mark.parametrize("loss", LOSSES.values())
def test_padding_counts_for_nothing(loss):
    logits = torch.tensor([[1.0, -2.0], [0.5, 3.0], [9.0, -9.0]], requires_grad=True)
    padded = loss(logits, torch.tensor([1, 0, IGNORED]))
    assert padded.item() == loss(logits[:2], torch.tensor([1, 0])).item()
    (gradient,) = torch.autograd.grad(padded, logits)
    assert gradient[2].tolist() == [0.0, 0.0]
    assert gradient[:2].abs().min() > 0


@pytest.mark.parametrize("smoothing", [0.1, 0.5])
def test_label_smoothing_spreads_a_share_of_the_target_over_all_classes(smoothing):
    logits = torch.randn(6, 5, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    targets = torch.tensor([2, 1, 0, 3, 4, 4])
    wanted = (1 - smoothing) * torch.eye(5, dtype=torch.float64)[targets] + smoothing / 5
    by_hand = -(wanted * (logits - logits.exp().sum(dim=1, keepdim=True).log())).sum(dim=1).mean()
    assert cross_entropy(logits, targets, label_smoothing=smoothing).item() == pytest.approx(by_hand.item(), rel=1e-12)
    assert cross_entropy(logits, targets, label_smoothing=0.0) == cross_entropy(logits, targets)


def test_padding_counts_for_nothing_with_label_smoothing():
    logits = torch.tensor([[1.0, -2.0], [9.0, -9.0]])
    padded = cross_entropy(logits, torch.tensor([1, IGNORED]), label_smoothing=0.2)
    assert padded.item() == cross_entropy(logits[:1], torch.tensor([1]), label_smoothing=0.2).item()
