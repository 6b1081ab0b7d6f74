"""A snapshot computes what is asked for, once."""

import pytest
import torch

from grok.training.loss import cross_entropy
from tests.helpers import small_engine, snapshot_of


def test_a_snapshot_gives_what_the_model_gives():
    engine = small_engine()
    snapshot = snapshot_of(engine)
    for split in ("train", "test"):
        inputs = engine.task.inputs[engine.task.indices(split)]
        targets = engine.task.targets[engine.task.indices(split)]
        assert torch.equal(snapshot.targets(split), targets)
        torch.testing.assert_close(snapshot.features(split), engine.model.features(inputs).detach())
        torch.testing.assert_close(snapshot.logits(split), engine.model(inputs).detach())
        assert snapshot.loss(split).item() == pytest.approx(cross_entropy(engine.model(inputs), targets).item())


def test_nothing_is_computed_twice_and_nothing_the_step_has_computed_again(monkeypatch):
    engine = small_engine()
    snapshot, calls = snapshot_of(engine), []
    features = engine.model.features
    monkeypatch.setattr(engine.model, "features", lambda inputs: calls.append(len(inputs)) or features(inputs))
    for _ in range(2):
        for split in ("train", "test"):
            snapshot.loss(split)
    assert calls == [len(engine.task.test)]


def test_measuring_leaves_no_graph_behind():
    snapshot = snapshot_of(small_engine())
    assert not any(snapshot.logits(split).requires_grad for split in ("train", "test"))
