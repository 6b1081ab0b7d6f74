"""Features are paired with the features of the same samples at an earlier step."""

import copy

import numpy as np
import pytest
import torch

from grok.config import Schedule
from grok.information import Interplay, gram_interplay
from grok.tasks import operation_task
from grok.training.probes import BeforeAfter
from tests.helpers import small_config, snapshot_of
from tests.reference.information import naive_interplay
from tests.training.probes.helpers import features_and_targets

SPLITS = ("train", "test")


def make(size=32):
    task = operation_task(small_config().task, 0)
    return BeforeAfter(Schedule.parse("every:1"), task, size=size, seed=0, dim=16)


def trained_further(learner):
    """The same learner after some updates."""
    other = copy.deepcopy(learner)
    optimiser = torch.optim.Adam(other.parameters(), lr=1e-2)
    for _ in range(5):
        optimiser.zero_grad()
        other(())[0].backward()
        optimiser.step()
    return other


def measured_on(probe, learner):
    snapshot = snapshot_of(learner)
    with torch.no_grad():
        return {column: value.item() for column, value in probe.evaluate(probe.observe(snapshot)).items()}


def test_the_pairing_is_of_features_before_with_those_after(learner):
    probe, later = make(), trained_further(learner)
    probe.remember(snapshot_of(learner))
    measured = measured_on(probe, later)
    for split in SPLITS:
        chosen = learner.probes["sample"].chosen(split)  # the samples are those of the pairing `sample`
        before, after = (features_and_targets(each, split)[0][chosen].numpy() for each in (learner, later))
        found = [measured[f"interplay/before-after/{split}/{ratio}"] for ratio in ("mir", "hdr")]
        np.testing.assert_allclose(found, naive_interplay(before, after), atol=1e-5)
    assert len(measured) == 2 * len(Interplay._fields)


def test_features_that_have_not_changed_are_paired_with_themselves(learner):
    probe = make()
    probe.remember(snapshot_of(learner))
    measured = measured_on(probe, learner)
    for split in SPLITS:
        features = features_and_targets(learner, split)[0][learner.probes["sample"].chosen(split)].double()
        for field, expected in gram_interplay(features, features)._asdict().items():
            found = measured[f"interplay/before-after/{split}/{field}"]
            assert found == pytest.approx(expected.item(), rel=1e-9, abs=1e-12), field
        assert measured[f"interplay/before-after/{split}/hdr"] == 0
        entropies = [measured[f"interplay/before-after/{split}/entropy_{number}"] for number in (1, 2)]
        assert entropies[0] == entropies[1]


def test_what_is_remembered_is_not_changed_by_training_and_can_be_handed_on(learner):
    probe, handed = make(), make()
    probe.remember(snapshot_of(learner))
    later = trained_further(learner)
    expected = measured_on(probe, later)
    remembered = {name: tensor.clone() for name, tensor in probe.remembered().items()}
    for name, tensor in handed.remembered().items():
        tensor.copy_(remembered[name])
    assert measured_on(handed, later) == expected
