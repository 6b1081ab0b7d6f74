"""A snapshot computes each requested quantity once."""

import pytest
import torch

from grok.config import ProbesConfig
from grok.training.loss import cross_entropy
from grok.training.snapshot import Snapshot
from tests.helpers import small_member, small_model, snapshot_of


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


@pytest.mark.parametrize("model", [{}, {"num_layers": 2, "layer_norm": True}])
def test_one_pass_gives_features_and_neurons_if_both_will_be_read(monkeypatch, model):
    learner = small_member(model=small_model(**model)).learner
    snapshot, calls = learner.snapshot(learner.begin().known, neurons=True), []
    passed = learner.model.features_and_neurons
    monkeypatch.setattr(learner.model, "features_and_neurons", lambda x: calls.append(len(x)) or passed(x))
    inputs = learner.samples("test").inputs
    assert torch.equal(snapshot.features("test"), learner.model.features(inputs).detach())
    calls.clear()
    assert torch.equal(snapshot.neurons("test"), learner.model.neurons(inputs).detach())
    assert not calls


def test_a_probe_says_whether_it_reads_the_neurons(monkeypatch):
    learner = small_member(**dict.fromkeys(ProbesConfig.names(), "every:1")).learner
    neurons, read = Snapshot.neurons, []
    monkeypatch.setattr(Snapshot, "neurons", lambda snapshot, split: read.append(split) or neurons(snapshot, split))
    for name, probe in learner.probes.items():
        read.clear()
        probe.observe(snapshot_of(learner))
        assert bool(read) == probe.needs_neurons, name


def test_measuring_leaves_no_graph_behind():
    snapshot = snapshot_of(small_member().learner)
    for split in ("train", "test"):
        assert not snapshot.logits(split).requires_grad
        assert not snapshot.neurons(split).requires_grad
