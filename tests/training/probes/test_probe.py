"""What holds for every probe: off is off, padding counts for nothing, many observations are evaluated together."""

import pytest
import torch

from grok.config import ProbesConfig
from grok.tasks import operation_task
from grok.training.probes import make_probes
from tests.helpers import small_config, small_member, snapshot_of
from tests.training.probes.helpers import measure


def test_a_probe_that_is_off_is_not_made():
    config = ProbesConfig.only(accuracy="every:10", prototype="every:10")
    probes = make_probes(config, operation_task(small_config().task, 0), seed=0)
    assert [probe.name for probe in probes] == ["accuracy", "prototype"]


def test_samples_that_only_pad_a_split_change_no_measurement(measured):
    learner = small_member().learner
    for split in ("train", "test"):
        learner.pad(split, 90)
        learner.pad(split, 70)  # less padding again
        assert len(learner.samples(split).targets) == 70
    assert measure(learner) == pytest.approx(measured, rel=1e-5)


def test_observations_of_many_steps_and_members_are_evaluated_together(learner):
    snapshot = snapshot_of(learner)
    for probe in learner.probes.values():
        with torch.no_grad():
            observed = probe.observe(snapshot)
            many = probe.evaluate({name: torch.stack([tensor, 2 * tensor]) for name, tensor in observed.items()})
            for column, value in probe.evaluate(observed).items():
                assert many[column].shape == (2,)
                torch.testing.assert_close(many[column][0], value)
