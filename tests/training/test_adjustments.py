"""Adjustments around the update rule agree with their sources, and their state resumes."""

import copy
import itertools
import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from grok.config import ImageModelConfig, OptimiserConfig
from grok.models import make_image_model
from grok.random import stream
from grok.training.adjustments import Average, FixedNorm, FollowedNorm, Grokfast, Pruning
from grok.training.optimiser import Optimiser
from grok.training.step import TrainingStep
from tests.experiments.images import build, only, semi_supervised_config, state_of, train
from tests.helpers import small_member
from tests.tolerances import rounding

# Grokfast


def test_the_gradients_are_those_of_the_formula_step_by_step():
    generator = torch.Generator().manual_seed(0)
    parameters = {name: nn.Parameter(torch.zeros(shape)) for name, shape in {"a": (3, 2), "b": (4,)}.items()}
    amplify = Grokfast(parameters, amplitude=2.0, decay=0.9)
    average = {}
    for _ in range(5):
        gradients = {name: torch.randn(tensor.shape, generator=generator) for name, tensor in parameters.items()}
        for name, parameter in parameters.items():
            parameter.grad = gradients[name].clone()
        amplify()
        for name, parameter in parameters.items():
            gradient = gradients[name].double()
            average[name] = 0.9 * average.get(name, gradient) + 0.1 * gradient
            torch.testing.assert_close(parameter.grad.double(), gradient + 2 * average[name], rtol=1e-6, atol=1e-6)


def test_gradients_that_share_memory_are_filtered_each_for_itself():
    parameters = {name: nn.Parameter(torch.zeros(2)) for name in ("a", "b")}
    shared = torch.ones(2)
    for parameter in parameters.values():
        parameter.grad = shared
    Grokfast(parameters, amplitude=2.0, decay=0.9)()
    assert [parameter.grad.tolist() for parameter in parameters.values()] == [[3.0, 3.0], [3.0, 3.0]]


# Fixed norm


def norm_of(model):
    return torch.cat([parameter.detach().double().flatten() for parameter in model.parameters()]).norm().item()


@pytest.mark.parametrize("fixed", [True, False])
def test_the_norm_of_all_weights_is_that_of_step_0_after_every_update(fixed):
    member = small_member(optimiser=OptimiserConfig(learning_rate=1e-2, fixed_norm=fixed))
    expected, step = norm_of(member.learner.model), TrainingStep([member], block=20)
    step.prepare(0, 20)
    ratios = []
    for _ in range(20):
        step(())
        ratios.append(norm_of(member.learner.model) / expected)
    if fixed:
        weights = sum(parameter.numel() for parameter in member.learner.parameters())
        assert ratios == pytest.approx([1.0] * 20, rel=rounding(torch.float32, weights))  # the norm sums their squares
    else:
        assert abs(ratios[-1] - 1) > 0.01


def test_all_parameters_are_scaled_by_one_factor():
    parameters = [torch.nn.Parameter(torch.tensor(values)) for values in ([3.0], [0.0, 4.0])]
    restore = FixedNorm(parameters)
    with torch.no_grad():
        parameters[0].copy_(torch.tensor([8.0]))
        parameters[1].copy_(torch.tensor([6.0, 0.0]))
    restore()
    assert torch.cat([parameter.detach() for parameter in parameters]).tolist() == [4.0, 3.0, 0.0]


# Followed norm


UPDATES = 6


def weights(seed):
    generator = torch.Generator().manual_seed(seed)
    return [nn.Parameter(torch.randn(shape, generator=generator)) for shape in ((3, 4), (5,), ())]


def copies(parameters):
    return [parameter.detach().clone() for parameter in parameters]


def shift(parameters, update, by=0.1):
    """A stand-in for an update, with a different size at each step."""
    with torch.no_grad():
        for parameter in parameters:
            parameter.add_(by * (1 + update) * torch.cos(parameter + update))


def norm(parameters):
    """The total norm, summed one by one in double precision."""
    return math.sqrt(sum(value**2 for each in parameters for value in each.detach().double().flatten().tolist()))


def led(parameters, updates=UPDATES):
    """A `FollowedNorm` that has stored the norms of a training, with these norms after each update."""
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


# Pruning


CONV = ImageModelConfig(network="conv1d", width=5)


def make(*, seed=0):
    model = make_image_model(CONV, shape=(1, 40), num_classes=10, generator=stream(seed, "model"))
    generator = stream(seed, "others")
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.ndim == 1:
                parameter.normal_(std=1e-3, generator=generator)  # smaller than most weights
    return model


def weights_of(model):
    """All kernels and matrices as one array, in order."""
    return np.concatenate([p.detach().numpy().ravel() for p in model.parameters() if p.ndim > 1])


def others_of(model):
    """All biases and batch normalisations."""
    return torch.cat([parameter.detach().flatten() for parameter in model.parameters() if parameter.ndim == 1]).clone()


@pytest.mark.parametrize("sparsity", [0.0, 0.1, 0.5, 0.777, 0.95])
def test_exactly_this_fraction_is_0_and_it_is_the_smallest(sparsity):
    model = make()
    before, others = weights_of(model).copy(), others_of(model)
    Pruning(model).prune(sparsity)
    after, count = weights_of(model), round(sparsity * before.size)
    assert (after == 0).sum() == count
    smallest = np.sort(np.argsort(np.abs(before))[:count])
    np.testing.assert_array_equal(np.flatnonzero(after == 0), smallest)
    np.testing.assert_array_equal(after[after != 0], np.delete(before, smallest))
    assert torch.equal(others_of(model), others)


def test_of_equal_magnitudes_no_more_are_pruned_than_asked_for():
    model = make()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.fill_(0.5)
    Pruning(model).prune(0.3)
    after = weights_of(model)
    assert (after == 0).sum() == round(0.3 * after.size)


@pytest.mark.parametrize(
    "config",
    [
        OptimiserConfig(rule="sgd", learning_rate=0.1, weight_decay=1e-2),
        OptimiserConfig(rule="adam", learning_rate=0.1, weight_decay=1e-2),
        OptimiserConfig(rule="adamw", learning_rate=0.1, grokfast=2.0),
    ],
    ids=lambda config: config.rule,
)
def test_pruned_weights_stay_0_whatever_momentum_they_had_and_the_others_move(config):
    model = make()
    pruning = Pruning(model)
    optimiser, generator = Optimiser(model, config, pruning=pruning), stream(0, "gradients")

    def update():
        for parameter in model.parameters():
            parameter.grad = torch.randn(parameter.shape, generator=generator)
        optimiser.step()

    update()
    assert (weights_of(model) != 0).all()  # nothing is held yet
    pruning.prune(0.6)
    held = weights_of(model) == 0
    for _ in range(5):
        before, others = weights_of(model).copy(), others_of(model)
        update()
        np.testing.assert_array_equal(weights_of(model) == 0, held)
        assert (weights_of(model)[~held] != before[~held]).all()
        assert (others_of(model) != others).all()


def test_pruning_further_keeps_what_is_pruned_and_pruning_anew_lets_it_go():
    model = make()
    pruning = Pruning(model)
    before = {name: parameter.detach().clone() for name, parameter in model.named_parameters()}
    pruning.prune(0.3)
    first = weights_of(model) == 0
    pruning.prune(0.6)
    second = weights_of(model) == 0
    assert second[first].all()
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            parameter.copy_(before[name])
    pruning.prune(0.3)
    np.testing.assert_array_equal(weights_of(model) == 0, first)


def test_the_masks_are_part_of_the_optimisers_state():
    model = make()
    pruning = Pruning(model)
    optimiser = Optimiser(model, OptimiserConfig(), pruning=pruning)
    state = optimiser.state()
    pruning.prune(0.5)
    zeros = sum((state[f"mask.{name}"] == 0).sum().item() for name in pruning.masks)
    assert zeros == round(0.5 * weights_of(model).size)
    other = make(seed=1)
    others_pruning = Pruning(other)
    for name, mask in Optimiser(other, OptimiserConfig(), pruning=others_pruning).state().items():
        mask.copy_(state[name])
    others_pruning()
    np.testing.assert_array_equal(weights_of(other) == 0, weights_of(model) == 0)


# Average


DECAY = 0.8


def network(seed=0):
    config = ImageModelConfig(network="conv1d", width=4)
    return make_image_model(config, shape=(1, 40), num_classes=3, generator=stream(seed, "model"))


def test_weights_are_averaged_with_the_decay_and_batch_statistics_are_those_of_the_network():
    model = network()
    mean = copy.deepcopy(model).requires_grad_(False)
    average = Average(model, mean, DECAY)
    expected = {name: weight.detach().clone() for name, weight in model.named_parameters()}
    for step in range(5):
        model.load_state_dict(network(step + 1).state_dict())
        model(torch.randn(8, 1, 40, generator=torch.Generator().manual_seed(step)))  # new statistics
        average()
        for name, weight in model.named_parameters():
            expected[name] = DECAY * expected[name] + (1 - DECAY) * weight.detach()
        assert all(map(torch.equal, mean.buffers(), model.buffers()))
    for name, weight in mean.named_parameters():
        torch.testing.assert_close(weight, expected[name], rtol=1e-5, atol=1e-7)
        assert not weight.requires_grad
    assert set(average.state()) == set(model.state_dict())
    assert average.state()["head.weight"].data_ptr() == mean.head.weight.data_ptr()


@pytest.mark.parametrize("method", ["freematch", "supervised"])
def test_row_t_is_the_average_over_the_networks_after_each_of_t_updates(tmp_path, method):
    config = semi_supervised_config(
        method=method,
        steps=9,
        average_decay=DECAY,
        optimiser=OptimiserConfig(rule="sgd", learning_rate=0.1, warmup_steps=0),
        probes=only(accuracy="every:1"),
    )
    member = build("semi-supervised", config)
    learner, update = member.learner, member.optimiser.step
    states = [state_of(member)]
    member.optimiser.step = lambda: (update(), states.append(state_of(member)))
    rows = train(tmp_path, member)
    assert sorted(rows) == list(range(10))
    assert len(states) == 10

    model = copy.deepcopy(learner.model).eval()
    parameters = {name for name, _ in model.named_parameters()}
    mean = states[0]
    for step, state in enumerate(states):
        if step:
            averaged = {name: DECAY * mean[name] + (1 - DECAY) * state[name] for name in parameters}
            mean = state | averaged
        for weights, measured in ((mean, True), (state, step == 0)):
            model.load_state_dict(weights)
            test = learner.samples("test")
            loss = F.cross_entropy(model(test.inputs), test.targets).item()
            assert (rows[step]["test/loss"] == pytest.approx(loss, rel=1e-5)) == measured


def test_the_average_changes_nothing_of_how_the_network_trains(tmp_path):
    states = []
    for decay in (0.0, 0.9):
        member = build("semi-supervised", semi_supervised_config(steps=8, average_decay=decay))
        train(tmp_path, member)
        states.append(state_of(member))
        averaged = member.learner.average.state_dict()
        follows = [torch.equal(weight, states[-1][name]) for name, weight in averaged.items()]
        assert all(follows) == (decay == 0.0)
    assert all(torch.equal(weight, states[1][name]) for name, weight in states[0].items())
