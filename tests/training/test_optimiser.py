"""An optimiser filters gradients, updates, and restores the norm; its state exists before the first update."""

import copy

import pytest
import torch

from grok.config import OptimiserConfig
from grok.training.adjustments import Average, FollowedNorm, Pruning
from grok.training.optimiser import Optimiser
from tests.helpers import small_member

RULES = ("adamw", "adam", "sgd", "muon")


def update(member):
    member.learner.zero_grad()
    member.learner(())[0].backward()
    member.optimiser.step()


@pytest.mark.parametrize("rule", RULES)
def test_an_optimiser_that_has_done_nothing_has_changed_nothing(rule):
    model, untouched = small_member(optimiser=OptimiserConfig(rule=rule)).learner.model, small_member().learner.model
    assert all(map(torch.equal, model.parameters(), untouched.parameters()))
    assert all(parameter.grad is None for parameter in model.parameters())


@pytest.mark.parametrize("rule", RULES)
def test_the_state_is_complete_before_the_first_update_and_changes_with_it(rule):
    member = small_member(optimiser=OptimiserConfig(rule=rule, grokfast=2.0))
    before = member.optimiser.state()
    copies = {name: tensor.clone() for name, tensor in before.items()}
    member.learner(())[0].backward()
    member.optimiser.step()
    after = member.optimiser.state()
    assert list(after) == list(before)
    assert all(after[name] is before[name] for name in before)
    assert not any(torch.equal(after[name], copies[name]) for name in before)


def test_the_filter_comes_before_the_rule_and_the_norm_after_it():
    config = OptimiserConfig(
        rule="sgd", learning_rate=0.1, weight_decay=0.5, momentum=0.0, grokfast=3.0, fixed_norm=True
    )
    model = small_member().learner.model
    optimiser, generator = Optimiser(model, config), torch.Generator().manual_seed(0)
    before = {name: parameter.detach().clone() for name, parameter in model.named_parameters()}
    gradients = {name: torch.randn(tensor.shape, generator=generator) for name, tensor in before.items()}
    for name, parameter in model.named_parameters():
        parameter.grad = gradients[name]
    optimiser.step()
    moved = {name: tensor - 0.1 * (4 * gradients[name] + 0.5 * tensor) for name, tensor in before.items()}
    norm_before, norm_moved = (
        torch.cat([tensor.flatten() for tensor in tensors.values()]).norm() for tensors in (before, moved)
    )
    for name, parameter in model.named_parameters():
        torch.testing.assert_close(parameter.detach(), moved[name] * norm_before / norm_moved, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("rule", RULES)
def test_the_rate_is_read_at_every_update(rule):
    member = small_member(optimiser=OptimiserConfig(rule=rule, weight_decay=0.0))
    rate = torch.tensor(0.0, dtype=torch.float64)
    member.optimiser.set_rate(rate)
    head, hidden = member.learner.model.head.weight, member.learner.model.mlp_in
    moves = []
    for _ in range(2):
        before = head.detach().clone(), hidden.detach().clone()
        member.learner.zero_grad()
        member.learner(())[0].backward()
        member.optimiser.step()
        moves.append([not torch.equal(new, old) for new, old in zip((head, hidden), before, strict=True)])
        rate.fill_(1e-2)
    assert moves == [[False, False], [True, True]]


@pytest.mark.parametrize("rule", RULES)
def test_the_update_after_a_restart_is_as_the_first(rule):
    config = OptimiserConfig(rule=rule, learning_rate=1e-2, grokfast=2.0)
    member, other = small_member(optimiser=config), small_member(optimiser=config)
    for _ in range(3):
        update(member)
    with torch.no_grad():
        for ours, theirs in zip(other.learner.parameters(), member.learner.parameters(), strict=True):
            ours.copy_(theirs)
    member.optimiser.restart()
    fresh = other.optimiser.state()
    assert all(torch.equal(tensor, fresh[name]) for name, tensor in member.optimiser.state().items())
    for each in (member, other):
        for _ in range(2):
            update(each)
    assert all(map(torch.equal, member.learner.parameters(), other.learner.parameters()))


def test_a_restart_lets_what_is_pruned_be():
    model = small_member().learner.model
    pruning = Pruning(model)
    optimiser = Optimiser(model, OptimiserConfig(), pruning=pruning)
    pruning.prune(0.5)
    masks = {name: mask.clone() for name, mask in pruning.masks.items()}
    optimiser.restart()
    assert all(torch.equal(mask, masks[name]) for name, mask in pruning.masks.items())


def test_the_names_of_the_state_are_those_of_earlier_checkpoints():
    model = small_member().learner.model
    optimiser = Optimiser(
        model,
        OptimiserConfig(grokfast=2.0, fixed_norm=True),
        pruning=Pruning(model),
        average=Average(model, copy.deepcopy(model).requires_grad_(False), 0.9),
        followed_norm=FollowedNorm(model.parameters(), updates=3),
    )
    names = [name for name, _ in model.named_parameters()]
    assert list(optimiser.state()) == [
        *(f"{name}.{what}" for name in names for what in ("step", "exp_avg", "exp_avg_sq")),
        "grokfast.weight",
        *(f"grokfast.average.{name}" for name in names),
        *(f"mask.{name}" for name, weight in model.named_parameters() if weight.ndim > 1),
        *("norm.norms", "norm.place", "norm.follows"),
        *(f"average.{name}" for name in names),
    ]
