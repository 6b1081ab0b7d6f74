"""A step writes a row of its losses, updates every member once, and reads its rate from the device."""

import torch

from grok.training.step import LOSS, TrainingStep
from tests.training.test_stack import member


def test_a_step_updates_every_member_and_keeps_the_losses_before_it():
    members = [member(index) for index in range(2)]
    before = [[parameter.detach().clone() for parameter in each.learner.parameters()] for each in members]
    expected = [each.learner(())[0].item() for each in members]
    step = TrainingStep(members, step=0, block=5)
    step(("embedding",))
    step.ring.note(0, (LOSS, "embedding"))
    block = step.ring.take()
    torch.testing.assert_close(block.observed[LOSS][LOSS], torch.tensor([expected], dtype=torch.float64))
    assert block.observed["embedding"]["head"].shape == (1, 2, 11, 16)
    for each, old in zip(members, before, strict=True):
        assert all(not torch.equal(new, kept) for new, kept in zip(each.learner.parameters(), old, strict=True))
        assert {int(state["step"]) for state in each.optimiser.state.values()} == {1}


def test_the_optimisers_read_the_rates_that_the_step_sets():
    members = [member(index) for index in range(2)]
    step = TrainingStep(members, step=0, block=5)
    for _ in range(2):
        step(())
    found = [each.optimiser.param_groups[0]["lr"].item() for each in members]
    torch.testing.assert_close(found, [1e-3 * 2 / 3, 2e-3 * 2 / 4])
