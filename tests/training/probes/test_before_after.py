"""The pairing of features before and after is that of the same samples in two networks."""

import pytest
import torch

from grok.config import Schedule
from grok.information import gram_interplay
from grok.tasks import operation_task
from grok.training.probes import SPLITS, BeforeAfter
from tests.helpers import small_config, small_member, snapshot_of

SIZE = 20


@torch.no_grad()
def test_it_pairs_the_samples_of_the_pairing_sample_by_themselves():
    member = small_member()
    learner = member.learner
    task = operation_task(small_config().task, 0)
    probe = BeforeAfter(Schedule.parse("every:1"), task, size=SIZE, seed=0, dim=16)
    before = {split: snapshot_of(learner).features(split).clone() for split in SPLITS}
    probe.remember(snapshot_of(learner))
    for parameter in learner.model.parameters():
        parameter.add_(0.1 * torch.randn(parameter.shape, generator=torch.Generator().manual_seed(0)))
    snapshot = snapshot_of(learner)
    values = probe.evaluate(probe.observe(snapshot))
    for split in SPLITS:
        chosen = learner.probes["sample"].chosen(split)[:SIZE]
        expected = gram_interplay(before[split][chosen].double(), snapshot.features(split)[chosen].double())
        for name, value in expected._asdict().items():
            found = values[f"interplay/before-after/{split}/{name}"].item()
            assert found == pytest.approx(value.item(), rel=1e-9)
        assert 0 < values[f"interplay/before-after/{split}/mir"] < 1


@torch.no_grad()
def test_what_it_remembers_is_what_a_checkpoint_can_bring_back():
    learner = small_member().learner
    task = operation_task(small_config().task, 0)
    probe = BeforeAfter(Schedule.parse("every:1"), task, size=SIZE, seed=0, dim=16)
    probe.remember(snapshot_of(learner))
    other = BeforeAfter(Schedule.parse("every:1"), task, size=SIZE, seed=0, dim=16)
    for name, tensor in other.remembered().items():
        tensor.copy_(probe.remembered()[name])
    ours, theirs = (each.observe(snapshot_of(learner)) for each in (probe, other))
    assert all(torch.equal(ours[name], theirs[name]) for name in ours)
