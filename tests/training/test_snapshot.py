"""A snapshot computes what is asked for, once."""

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
        assert snapshot.loss(split).item() == pytest.approx(cross_entropy(learner.model(inputs), targets).item())


def test_nothing_is_computed_twice_and_nothing_the_step_has_computed_again(monkeypatch):
    learner = small_member().learner
    snapshot, calls = snapshot_of(learner), []
    features = learner.model.features
    monkeypatch.setattr(learner.model, "features", lambda inputs: calls.append(len(inputs)) or features(inputs))
    for _ in range(2):
        for split in ("train", "test"):
            snapshot.loss(split)
    assert calls == [len(learner.samples("test").targets)]


def test_measuring_leaves_no_graph_behind():
    snapshot = snapshot_of(small_member().learner)
    assert not any(snapshot.logits(split).requires_grad for split in ("train", "test"))
