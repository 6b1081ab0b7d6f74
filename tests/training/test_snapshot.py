"""A snapshot computes each requested quantity once."""

import pytest
import torch

from grok.training.loss import cross_entropy
from tests.helpers import small_member, snapshot_of


def test_a_snapshot_gives_what_the_model_gives():
    learner = small_member().learner
    snapshot = snapshot_of(learner)
    for split in ("train", "test"):
        inputs, targets = learner.samples(split).inputs, learner.samples(split).targets
        assert torch.equal(snapshot.targets(split), targets)
        torch.testing.assert_close(snapshot.features(split), learner.model.features(inputs).detach())
        torch.testing.assert_close(snapshot.logits(split), learner.model(inputs).detach())
        torch.testing.assert_close(snapshot.neurons(split), learner.model.neurons(inputs).detach())
        assert snapshot.loss(split).item() == pytest.approx(cross_entropy(learner.model(inputs), targets).item())


def test_nothing_is_computed_twice_and_nothing_the_step_has_computed_again(monkeypatch):
    learner = small_member().learner
    snapshot, calls = snapshot_of(learner), []
    for name in ("features", "neurons"):
        method = getattr(learner.model, name)
        monkeypatch.setattr(
            learner.model, name, lambda x, name=name, method=method: calls.append((name, len(x))) or method(x)
        )
    for _ in range(2):
        for split in ("train", "test"):
            snapshot.loss(split)
            snapshot.neurons(split)
    train, test = (len(learner.samples(split).targets) for split in ("train", "test"))
    assert sorted(calls) == sorted([("features", test), ("neurons", train), ("neurons", test)])


def test_measuring_leaves_no_graph_behind():
    snapshot = snapshot_of(small_member().learner)
    for split in ("train", "test"):
        assert not snapshot.logits(split).requires_grad
        assert not snapshot.neurons(split).requires_grad
