"""The smallest weights of all layers together are set to 0, exactly so many, and stay there."""

import numpy as np
import pytest
import torch

from grok.config import ImageModelConfig, OptimiserConfig
from grok.models import make_image_model
from grok.random import stream
from grok.training.optimiser import Optimiser
from grok.training.pruning import Pruning

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
    """Kernels and matrices as one array, in their order."""
    return np.concatenate([p.detach().numpy().ravel() for p in model.parameters() if p.ndim > 1])


def others_of(model):
    """Biases and batch normalisations."""
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
