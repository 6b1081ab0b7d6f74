"""A learner returns the loss of its model and the observations of the probes that are due."""

import pytest

from grok.training.loss import cross_entropy
from tests.helpers import small_member


def test_the_loss_is_that_of_the_model_on_the_training_split():
    learner = small_member().learner
    train = learner.samples("train")
    loss, observed = learner(())
    assert loss.item() == pytest.approx(cross_entropy(learner.model(train.inputs), train.targets).item(), rel=1e-12)
    assert observed == {}


def test_only_the_probes_that_are_due_observe_and_keep_no_graph():
    loss, observed = small_member().learner(("norms", "embedding"))
    assert list(observed) == ["norms", "embedding"]
    assert not any(tensor.requires_grad for tensor in observed["norms"].values())
    assert loss.requires_grad


def test_padding_changes_no_loss():
    learner = small_member().learner
    expected = learner(())[0].item()
    learner.pad("train", 100)
    assert learner(())[0].item() == pytest.approx(expected, rel=1e-6)
