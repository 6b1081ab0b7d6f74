"""A stack trains each member as separate training does, whatever the seeds, rates and splits."""

import dataclasses

import pytest
import torch

from grok.config import OptimiserConfig
from grok.experiment import experiment
from grok.training.engine import Engine
from grok.training.recorder import Recorder
from grok.training.stack import Stack, release
from tests.helpers import before_step, new_run, small_config, small_member, small_model
from tests.tolerances import measurement_rounding, rounding

STEPS = 51
PAIRS = 121  # the samples of a task of modulus 11


def member(index, device="cpu", **model):
    """Members that differ in seed, learning rate, weight decay, warm-up and train fraction."""
    optimiser = OptimiserConfig(learning_rate=1e-3 * (1 + index), weight_decay=0.5 * index, warmup_steps=3 + index)
    config = small_config(model=small_model(**model), optimiser=optimiser, accuracy="every:1")
    task = dataclasses.replace(config.task, train_fraction=0.4 + 0.1 * index)
    return experiment("grokking").build(dataclasses.replace(config, task=task), index, torch.device(device))


def rows_of(members, root, *, steps=STEPS, **how):
    engine = Engine(members, **how)
    rows = [[] for _ in members]
    engine.run(
        [Recorder(new_run(root)) for _ in members],
        on_block=lambda measured: [rows[index].extend(each.rows()) for index, each in measured.items()],
        interrupted=before_step(steps),
    )
    return rows


@pytest.mark.parametrize(
    "model",
    [
        {},
        {"tie_embeddings": True},
        {"num_layers": 2},
        {"num_layers": 2, "layer_norm": True, "tie_embeddings": True},
    ],
    ids=["paper's", "tied", "deep", "deep, LayerNorm, tied"],
)
def test_every_member_measures_what_it_would_alone(tmp_path, model):
    members = range(2 if model else 3)
    stacked = rows_of([member(index, **model) for index in members], tmp_path)
    for index in members:
        (alone,) = rows_of([member(index, **model)], tmp_path)
        assert [step for step, _ in stacked[index]] == [step for step, _ in alone] == list(range(STEPS))
        for (_, row), (_, expected) in zip(stacked[index], alone, strict=True):
            assert row == pytest.approx(expected, **measurement_rounding(PAIRS, steps=STEPS))
            mean_error = rounding(torch.float32, steps=STEPS)  # the errors of the samples average out in the loss
            assert row["train/loss"] == pytest.approx(expected["train/loss"], rel=mean_error)


def test_members_with_different_rules_are_updated_each_by_its_own(tmp_path):
    optimisers = [
        OptimiserConfig(rule="sgd", learning_rate=0.1, weight_decay=1e-3, fixed_norm=True),
        OptimiserConfig(rule="adam", weight_decay=1e-3, grokfast=2.0),
        OptimiserConfig(rule="muon", momentum=0.8, grokfast=1.0, grokfast_decay=0.9, fixed_norm=True),
        OptimiserConfig(fixed_norm=True),
    ]

    def members(which):
        return [small_member(seed=seed, optimiser=optimisers[seed], accuracy="every:1") for seed in which]

    stacked = rows_of(members(range(4)), tmp_path, steps=21)
    for index in range(4):
        (alone,) = rows_of(members([index]), tmp_path, steps=21)
        losses, expected = ([row["train/loss"] for _, row in rows] for rows in (stacked[index], alone))
        assert losses == pytest.approx(expected, rel=rounding(torch.float32, PAIRS, steps=21))


def test_members_of_different_seeds_differ(tmp_path):
    stacked = rows_of([member(0), member(1)], tmp_path, steps=1)
    assert stacked[0][0][1]["train/loss"] != stacked[1][0][1]["train/loss"]


def test_a_learner_of_a_stack_is_a_view_of_it():
    members = [member(index) for index in range(2)]
    stack = Stack([each.learner for each in members])
    losses, _ = stack(())
    for index, each in enumerate(members):
        assert each.learner(())[0].item() == pytest.approx(losses[index].item(), rel=1e-6)
    with torch.no_grad():
        members[1].learner.model.head.weight.zero_()
    assert stack(())[0][1].item() == pytest.approx(torch.tensor(11.0).log().item(), rel=1e-6)
    assert stack(())[0][0].item() == losses[0].item()


def test_a_learner_gets_its_own_gradients():
    members = [member(index) for index in range(3)]
    stack = Stack([each.learner for each in members])
    stack.hand_out(torch.autograd.grad(stack(())[0].sum(), stack.parameters))
    for index, each in enumerate(members):
        alone = member(index).learner
        expected = torch.autograd.grad(alone(())[0], list(alone.parameters()))
        for parameter, gradient in zip(each.learner.parameters(), expected, strict=True):
            torch.testing.assert_close(parameter.grad, gradient, rtol=0, atol=1e-6)
            assert parameter.grad.is_contiguous()


def test_padding_is_taken_off_again_where_the_rest_of_a_stack_needs_less():
    small, large = member(0).learner, member(2).learner
    Stack([small, large])
    assert len(small.samples("train").targets) == large.samples("train").count
    Stack([small, member(0).learner])
    assert len(small.samples("train").targets) == small.samples("train").count


def test_a_learner_that_leaves_keeps_its_numbers_and_none_of_the_stacks_memory():
    learners = [member(index).learner for index in range(3)]
    Stack(learners)
    expected = learners[1](())[0].item()
    release(learners[1])
    assert learners[1](())[0].item() == expected
    for tensor in (*learners[1].parameters(), *learners[1].buffers()):
        assert tensor.untyped_storage().nbytes() == tensor.numel() * tensor.element_size()
