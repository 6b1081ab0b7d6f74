"""Test pairs whose swap is a training pair are distinguished from the others."""

import math

import pytest
import torch

from grok.config import ProbesConfig, Schedule, TaskConfig
from grok.tasks import operation_task
from grok.training.probes.swapped import Swapped
from tests.helpers import small_member, snapshot_of
from tests.training.probes.helpers import measure

TASK = TaskConfig(modulus=11, train_fraction=0.5)
EVERY = Schedule.parse("every:1")


@pytest.fixture
def learner():
    return small_member(swapped="every:1").learner


def answers(learner, task, right):
    """A network that is right on these test pairs and wrong on all others."""
    logits = torch.zeros(len(task.test), task.num_classes)
    targets = task.targets[task.test]
    for place, (a, b) in enumerate(task.inputs[task.test][:, :2].tolist()):
        logits[place, targets[place] if right(a, b) else (targets[place] + 1) % task.num_classes] = 1
    snapshot = snapshot_of(learner)
    snapshot._logits["test"] = logits
    return snapshot


def test_a_network_that_knows_commutativity_alone_is_right_on_the_one_kind_and_wrong_on_the_other(learner):
    task = operation_task(TASK, seed=0)
    trained = {tuple(pair) for pair in task.inputs[task.train][:, :2].tolist()}
    for knows, expected in (
        (lambda a, b: (b, a) in trained, (1.0, 0.0)),
        (lambda a, b: (b, a) not in trained, (0.0, 1.0)),
    ):
        observed = learner.probes["swapped"].observe(answers(learner, task, knows))
        assert tuple(value.item() for value in observed.values()) == expected


def test_both_kinds_together_are_the_test_split(learner):
    measured = measure(learner)
    share = Swapped(EVERY, operation_task(TASK, seed=0)).get_buffer("seen").double().mean().item()
    seen, unseen = (measured[f"swapped/{kind}_accuracy"] for kind in ("seen", "unseen"))
    assert share * seen + (1 - share) * unseen == pytest.approx(measured["test/accuracy"], abs=1e-12)
    assert 0.3 < share < 0.6  # about the train fraction, but for pairs (a, a), whose swapped pair is the same
    assert seen != unseen


def test_a_kind_without_pairs_is_nan():
    task = operation_task(TaskConfig(modulus=3, train_fraction=0.9), seed=0)
    assert task.inputs[task.test].tolist() == [[2, 0, 3]]  # of which (0, 2) trains
    probe = Swapped(EVERY, task)
    snapshot = answers(small_member().learner, task, lambda a, b: True)
    snapshot._samples["test"].targets = task.targets[task.test]
    observed = probe.observe(snapshot)
    assert observed["seen"] == 1.0
    assert math.isnan(observed["unseen"])


def test_pairs_are_told_apart_where_some_have_no_swapped_pair():
    task = operation_task(TaskConfig(operation="divide", modulus=5, train_fraction=0.5), seed=0)  # no b = 0
    trained = {tuple(pair) for pair in task.inputs[task.train][:, :2].tolist()}
    expected = [(b, a) in trained for a, b in task.inputs[task.test][:, :2].tolist()]
    assert Swapped(EVERY, task).get_buffer("seen").tolist() == expected
    assert True in expected
    assert [0, 1] in task.inputs[:, :2].tolist()


def test_it_is_off_by_default_and_samples_that_pad_the_split_change_nothing(learner):
    assert ProbesConfig().swapped == "off"
    expected = measure(learner)
    learner.pad("train", 90)
    assert measure(learner) == pytest.approx(expected, rel=1e-5)
    learner.pad("test", 90)
    learner.pad("test", 70)  # less padding again
    assert measure(learner) == pytest.approx(expected, rel=1e-5)
