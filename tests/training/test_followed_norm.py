"""The norm of one training is kept update by update, and another is held to it."""

import itertools
import math

import pytest
import torch
from torch import nn

from grok.config import OptimiserConfig
from grok.training.followed_norm import FollowedNorm
from grok.training.optimiser import Optimiser
from tests.helpers import small_member

UPDATES = 6


def weights(seed):
    generator = torch.Generator().manual_seed(seed)
    return [nn.Parameter(torch.randn(shape, generator=generator)) for shape in ((3, 4), (5,), ())]


def copies(parameters):
    return [parameter.detach().clone() for parameter in parameters]


def shift(parameters, update, by=0.1):
    """Some update of a rule, of another size at each."""
    with torch.no_grad():
        for parameter in parameters:
            parameter.add_(by * (1 + update) * torch.cos(parameter + update))


def norm(parameters):
    """All together, added up one by one in double precision."""
    return math.sqrt(sum(value**2 for each in parameters for value in each.detach().double().flatten().tolist()))


def led(parameters, updates=UPDATES):
    """What keeps the norms of a training, and these after each of its updates."""
    followed, norms = FollowedNorm(parameters, updates=updates), []
    for update in range(updates):
        shift(parameters, update)
        followed()
        norms.append(norm(parameters))
    return followed, norms


def test_keeping_the_norm_changes_no_bit_of_the_training():
    parameters, alone = weights(0), weights(0)
    led(parameters)
    for update in range(UPDATES):
        shift(alone, update)
    assert all(map(torch.equal, parameters, alone))


def test_another_training_has_the_norm_of_the_first_after_each_update_by_one_factor():
    parameters = weights(0)
    followed, norms = led(parameters)
    assert min(abs(b / a - 1) for a, b in itertools.pairwise(norms)) > 0.01
    followed.follow()
    with torch.no_grad():
        for parameter, other in zip(parameters, weights(1), strict=True):
            parameter.copy_(other)
    for update, expected in enumerate(norms):
        plain = [nn.Parameter(copy) for copy in copies(parameters)]
        shift(plain, update, by=-0.3)
        shift(parameters, update, by=-0.3)
        followed()
        assert norm(parameters) == pytest.approx(expected, rel=1e-6)
        factor = expected / norm(plain)
        assert abs(factor - 1) > 0.01
        for parameter, unscaled in zip(parameters, plain, strict=True):
            torch.testing.assert_close(parameter.detach(), unscaled.detach() * factor, rtol=1e-5, atol=1e-7)


def test_following_begins_at_the_first_update_however_far_the_first_training_came():
    parameters = weights(0)
    followed, norms = led(parameters)
    for _ in range(2):  # a second twin begins there too
        followed.follow()
        shift(parameters, 3)
        followed()
        assert norm(parameters) == pytest.approx(norms[0], rel=1e-6)


@pytest.mark.parametrize("place", [2, UPDATES, UPDATES + 2], ids=["leading", "at the turn", "following"])
def test_its_state_brings_another_to_the_same_place(place):
    def train(parameters, followed, updates):
        for update in updates:
            if update == UPDATES:
                followed.follow()
            shift(parameters, update % UPDATES, by=0.1 if update < UPDATES else -0.2)
            followed()

    whole = weights(0)
    train(whole, FollowedNorm(whole, updates=UPDATES), range(2 * UPDATES))

    begun = weights(0)
    first = FollowedNorm(begun, updates=UPDATES)
    train(begun, first, range(place))
    resumed = [nn.Parameter(copy) for copy in copies(begun)]
    second = FollowedNorm(resumed, updates=UPDATES)
    for name, tensor in second.state().items():
        tensor.copy_(first.state()[name])
    train(resumed, second, range(place, 2 * UPDATES))
    assert all(map(torch.equal, resumed, whole))


def test_an_optimiser_restores_it_after_the_update_and_has_it_in_its_state():
    model = small_member().learner.model
    followed = FollowedNorm(model.parameters(), updates=2)
    optimiser = Optimiser(model, OptimiserConfig(learning_rate=1e-2), followed_norm=followed)
    state = {name: tensor for name, tensor in optimiser.state().items() if name.startswith("norm.")}
    assert list(state) == ["norm.norms", "norm.place", "norm.follows"]
    assert all(state[f"norm.{name}"] is tensor for name, tensor in followed.state().items())
    assert state["norm.place"].item() == 0  # making the optimiser has updated nothing

    def update(sign):
        for parameter in model.parameters():
            parameter.grad = sign * torch.ones_like(parameter)
        optimiser.step()

    norms = []
    for _ in range(2):
        update(1)
        norms.append(norm(model.parameters()))
    assert state["norm.norms"].tolist() == pytest.approx(norms, rel=1e-6)
    optimiser.restart()
    assert state["norm.norms"].tolist() == pytest.approx(norms, rel=1e-6)
    followed.follow()
    for expected in norms:
        update(-1)
        assert norm(model.parameters()) == pytest.approx(expected, rel=1e-6)
