"""The smallest weights are pruned, exactly so many, and stay 0."""

import numpy as np
import pytest
import torch

from grok.config import ImageModelConfig, OptimiserConfig
from grok.models import make_image_model
from grok.random import stream
from grok.training.optimiser import Optimiser
from grok.training.pruning import Pruning


@pytest.fixture
def model():
    return make_image_model(ImageModelConfig(width=8), shape=(1, 40), num_classes=10, generator=stream(0, "model"))


def weights(model):
    return {name: parameter.detach() for name, parameter in model.named_parameters() if parameter.ndim > 1}


@pytest.mark.parametrize("sparsity", [0.0, 0.3, 0.95])
def test_the_smallest_of_all_weights_together_become_0_and_the_others_stay(model, sparsity):
    before = np.concatenate([weight.numpy().ravel() for weight in weights(model).values()])
    pruning = Pruning(model)
    pruning.prune(sparsity)
    after = np.concatenate([weight.numpy().ravel() for weight in weights(model).values()])
    count = round(sparsity * len(before))
    smallest = np.argsort(np.abs(before), kind="stable")[:count]
    expected = before.copy()
    expected[smallest] = 0
    assert (after == expected).all()
    assert (after == 0).sum() == count


def test_biases_and_batch_normalisations_are_not_pruned(model):
    pruning = Pruning(model)
    pruning.prune(0.99)
    assert {name for name, _ in model.named_parameters()} - set(pruning.masks) == {
        *(f"norms.{layer}.{what}" for layer in range(3) for what in ("weight", "bias")),
        "head.bias",
    }
    assert all((norm.weight == 1).all() for norm in model.norms)


def test_pruned_weights_stay_0_through_updates_with_momentum(model):
    pruning = Pruning(model)
    config = OptimiserConfig(rule="sgd", learning_rate=0.1, weight_decay=0.01, warmup_steps=0)
    optimiser = Optimiser(model, config, pruning)
    for step in range(4):
        if step == 2:  # after momentum has built up
            pruning.prune(0.5)
        for parameter in model.parameters():
            parameter.grad = torch.ones_like(parameter)
        before = {name: weight.clone() for name, weight in weights(model).items()}
        optimiser.step()
        for name, weight in weights(model).items():
            kept = pruning.masks[name] == 1
            assert (weight[~kept] == 0).all()
            assert (weight[kept] != before[name][kept]).all()
    assert {f"mask.{name}" for name in pruning.masks} <= set(optimiser.state())
