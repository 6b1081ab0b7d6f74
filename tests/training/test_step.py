"""A step writes a row of its losses, updates every member once, and reads its rate from the device."""

import dataclasses

import pytest
import torch

from grok.config import OptimiserConfig, Schedule
from grok.experiment import experiment
from grok.training.engine import Engine
from grok.training.learning_rate import LearningRateSchedule
from grok.training.phases import Phase, Phases
from grok.training.step import LOSS, TrainingStep
from tests.helpers import CPU, small_config, small_member, small_model
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


RATE = LearningRateSchedule(rate=1e-3)


def in_phases(*, first=10, **second):
    """A small member with two phases, the second of which starts at step `first`."""
    phases = Phases([Phase(steps=first, learning_rate=RATE), Phase(steps=10, learning_rate=RATE, **second)])
    return dataclasses.replace(small_member(), phases=phases)


UNLIKE = {
    "schedule": (
        lambda: small_member(accuracy="every:10"),
        lambda: small_member(accuracy="log:20"),
        "the schedule of the probe accuracy to be the same in all, got every:10 in member 0 and log:20 in member 1",
    ),
    "probes": (
        lambda: small_member(norms="off"),
        small_member,
        r"the probes to be the same in all, got \['accuracy', .*'neurons', 'prototype', .* and .*'norms', 'prototype'",
    ),
    "boundaries": (
        lambda: in_phases(first=10),
        lambda: in_phases(first=12),
        r"the first steps of the phases to be the same in all, got \[0, 10\] in member 0 and \[0, 12\] in member 1",
    ),
    "measured in full": (lambda: in_phases(measured=(3,)), in_phases, "the phase from step 10 .*'measured': .3,."),
    "left out": (lambda: in_phases(without=("norms",)), in_phases, "the phase from step 10 .*'without': .'norms',."),
    "own schedule": (lambda: in_phases(own_schedule=True), in_phases, "the phase from step 10 .*'own_schedule': True"),
    "loss": (small_member, lambda: small_member_with(loss="stablemax"), "the objective .*'stablemax_cross_entropy'"),
    "network": (small_member, lambda: small_member(model=small_model(num_layers=2)), "the network .*DeepTransformer"),
}


def small_member_with(**settings):
    return experiment("grokking").build(dataclasses.replace(small_config(), **settings), 0, CPU)


@pytest.mark.parametrize(("first", "second", "message"), UNLIKE.values(), ids=UNLIKE)
def test_members_that_a_stack_would_train_or_measure_by_the_rules_of_another_are_rejected(first, second, message):
    """Members that differ are rejected in either order, although each can train alone."""
    with pytest.raises(ValueError, match=f"^members: expected {message}"):
        Engine([first(), second()])
    with pytest.raises(ValueError, match=r"^members: expected the .* in member 2 \(train them separately\)$"):
        Engine([second(), second(), first()])


def test_members_may_differ_in_length_rates_data_and_what_a_phase_does():
    phases = Phases([Phase(steps=10, learning_rate=RATE), Phase(steps=99, learning_rate=RATE, updates=3, order=2)])
    others = [dataclasses.replace(small_member(seed=1), phases=phases), in_phases()]
    assert Engine([in_phases(), *others]).active == [0, 1, 2]
