"""The probe agrees with `neural_collapse` and with the definitions on the same features."""

import pytest
import torch

from grok.config import Schedule
from grok.information import neural_collapse
from grok.models import Classifier
from grok.training.loss import cross_entropy
from grok.training.probes.collapse import Collapse
from grok.training.snapshot import Samples, Snapshot
from tests.geometries import random_geometry
from tests.reference.collapse import naive_neural_collapse
from tests.training.probes.helpers import features_and_targets


class Given(Classifier):
    """A network whose inputs are its features."""

    def __init__(self, head):
        super().__init__()
        self.head = torch.nn.Linear(*head.shape[::-1], bias=False, dtype=head.dtype)
        self.head.weight = torch.nn.Parameter(head)

    def features(self, inputs):
        return inputs


def values_of(features, labels, head):
    """The values of the probe on these samples as the training split."""
    model = Given(head)
    snapshot = Snapshot(
        model=model,
        samples={split: Samples(features, labels) for split in ("train", "test")},
        known={},
        criterion=cross_entropy,
    )
    probe = Collapse(Schedule.parse("every:1"))
    with torch.no_grad():
        measured = probe.evaluate(probe.observe(snapshot))
    return {name.rpartition("/")[2]: value.item() for name, value in measured.items() if "/train/" in name}


@pytest.mark.parametrize("split", ["train", "test"])
def test_all_ten_values_follow_the_definitions(learner, measured, split):
    features, targets = features_and_targets(learner, split)
    head = learner.model.head.weight.detach().double().numpy()
    expected = naive_neural_collapse(features.double().numpy(), targets.numpy(), head)
    found = {name: measured[f"collapse/{split}/{name}"] for name in expected}
    assert found == pytest.approx(expected, rel=1e-8)
    assert {name for name in measured if name.startswith(f"collapse/{split}/")} == {
        f"collapse/{split}/{name}" for name in expected
    }


@pytest.mark.parametrize("offset", [0, 1000])
def test_the_values_are_those_of_the_streaming_function(offset):
    features, head, labels = random_geometry(90, num_classes=6, dim=9)
    features = features + head[labels] + offset
    expected = neural_collapse([(features, labels)], head)._asdict()
    assert 0.05 < expected["nc4_agreement"] < 0.95
    found = values_of(features, labels, head)
    assert found == pytest.approx({name: value.item() for name, value in expected.items()}, rel=1e-7)


def test_classes_without_samples_are_left_out_with_their_head_rows_and_logits():
    features, head, labels = random_geometry(90, num_classes=6, dim=9)
    features = features + head[labels]
    kept = (labels != 1) & (labels != 4)
    renumbered = torch.tensor([0, -1, 1, 2, -1, 3])[labels[kept]]
    expected = neural_collapse([(features[kept], renumbered)], head[[0, 2, 3, 5]])._asdict()
    found = values_of(features[kept], labels[kept], head)
    assert found == pytest.approx({name: value.item() for name, value in expected.items()}, rel=1e-9)


def test_class_means_that_are_one_raise_nothing():
    features, labels = torch.ones(6, 2), torch.arange(6) % 3
    values = values_of(features, labels, torch.eye(3, 2))
    assert values["nc1"] == 0
    assert values["cdnv"] == float("inf")
    assert values["nc2_equiangular_means"] != values["nc2_equiangular_means"]
