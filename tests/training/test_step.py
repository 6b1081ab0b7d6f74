"""A step writes a row of its losses, updates every member once, and reads its rate from the device."""

import dataclasses

import torch

from grok.config import OptimiserConfig, Schedule
from grok.training.step import LOSS, TrainingStep
from tests.helpers import small_member
from tests.training.test_stack import member


def test_a_step_updates_every_member_and_keeps_the_losses_before_it():
    members = [member(index) for index in range(2)]
    before = [[parameter.detach().clone() for parameter in each.learner.parameters()] for each in members]
    expected = [each.learner(())[0].item() for each in members]
    step = TrainingStep(members, block=5)
    step.prepare(0, 1)
    step(("embedding",))
    step.ring.note(0, (LOSS, "embedding"))
    block = step.ring.take()
    torch.testing.assert_close(block.observed[LOSS][LOSS], torch.tensor([expected], dtype=torch.float64))
    assert block.observed["embedding"]["head"].shape == (1, 2, 11, 16)
    for each, old in zip(members, before, strict=True):
        assert all(not torch.equal(new, kept) for new, kept in zip(each.learner.parameters(), old, strict=True))
        steps = {tensor.item() for name, tensor in each.optimiser.state().items() if name.endswith(".step")}
        assert steps == {1}


def test_there_is_room_for_a_probe_that_is_never_due_but_that_a_phase_measures():
    small = small_member(norms="every:1")
    small.learner.probes["norms"].schedule = Schedule.parse("off")
    assert TrainingStep([small], block=5).ring.has_room(("norms",))


def test_the_optimisers_read_the_rates_that_the_step_sets():
    config = OptimiserConfig(learning_rate=1e-2, weight_decay=0.0, warmup_steps=4)
    members = [small_member(optimiser=config), small_member(optimiser=dataclasses.replace(config, learning_rate=2e-2))]
    heads = [each.learner.model.head.weight for each in members]
    before = [head.detach().clone() for head in heads]
    step = TrainingStep(members, block=5)
    step.prepare(1, 1)
    step(())
    for head, old, rate in zip(heads, before, (1e-2 * 2 / 4, 2e-2 * 2 / 4), strict=True):
        moved = (head - old).abs().median()  # AdamW's first update is rate times sign, but for epsilon
        torch.testing.assert_close(moved.item(), rate, rtol=1e-3, atol=0)
