"""The updates of each rule agree with its formula, computed in float64."""

import numpy as np
import pytest
import torch

from grok.config import OptimiserConfig
from grok.training.rules import hidden_matrices, make_rule
from tests.helpers import small_member

RATE, DECAY, BETAS, MOMENTUM = 0.01, 0.3, (0.8, 0.95), 0.7
HIDDEN = ["query", "key", "value", "attention_out", "mlp_in", "mlp_out"]


def adam(weights, gradients, *, decoupled):
    first = second = 0.0
    for step, gradient in enumerate(gradients, start=1):
        if decoupled:
            weights = weights - RATE * DECAY * weights
        else:
            gradient = gradient + DECAY * weights
        first = BETAS[0] * first + (1 - BETAS[0]) * gradient
        second = BETAS[1] * second + (1 - BETAS[1]) * gradient**2
        size = np.sqrt(second / (1 - BETAS[1] ** step)) + 1e-8
        weights = weights - RATE * first / (1 - BETAS[0] ** step) / size
    return weights


def sgd(weights, gradients):
    velocity = 0.0
    for gradient in gradients:
        velocity = MOMENTUM * velocity + gradient + DECAY * weights
        weights = weights - RATE * velocity
    return weights


def muon(weights, gradients):
    """The Newton-Schulz polynomial acts only on the singular values."""
    average = 0.0
    for gradient in gradients:
        average = MOMENTUM * average + (1 - MOMENTUM) * gradient
        left, values, right = np.linalg.svd(MOMENTUM * average + (1 - MOMENTUM) * gradient, full_matrices=False)
        values = values / np.linalg.norm(values)
        for _ in range(5):
            values = 3.4445 * values - 4.7750 * values**3 + 2.0315 * values**5
        weights = weights - RATE * DECAY * weights - RATE * 0.2 * max(weights.shape) ** 0.5 * (left * values) @ right
    return weights


def updated(rule, *, steps=4):
    """A map from each name to the weights before, the gradients, and the weights after."""
    model = small_member().learner.model
    reads = {
        "adamw": {"betas": BETAS},
        "adam": {"betas": BETAS},
        "sgd": {"momentum": MOMENTUM},
        "muon": {"betas": BETAS, "momentum": MOMENTUM},
    }
    config = OptimiserConfig(rule=rule, learning_rate=RATE, weight_decay=DECAY, **reads[rule])
    optimisers = make_rule(model, config)
    generator = torch.Generator().manual_seed(0)
    before = {name: parameter.detach().double().numpy() for name, parameter in model.named_parameters()}
    gradients = {name: [] for name in before}
    for _ in range(steps):
        for name, parameter in model.named_parameters():
            parameter.grad = torch.randn(parameter.shape, generator=generator)
            gradients[name].append(parameter.grad.double().numpy())
        for optimiser in optimisers:
            optimiser.step()
    after = {name: parameter.detach().double().numpy() for name, parameter in model.named_parameters()}
    return {name: (before[name], gradients[name], after[name]) for name in before}


@pytest.mark.parametrize(
    ("rule", "formula"),
    [
        ("adamw", lambda weights, gradients: adam(weights, gradients, decoupled=True)),
        ("adam", lambda weights, gradients: adam(weights, gradients, decoupled=False)),
        ("sgd", sgd),
    ],
)
def test_the_updates_of_every_parameter_are_those_of_the_formula(rule, formula):
    for before, gradients, after in updated(rule).values():
        np.testing.assert_allclose(after, formula(before, gradients), rtol=0, atol=2e-6)


def test_muon_makes_the_updates_of_hidden_matrices_orthogonal_and_leaves_the_rest_to_adamw():
    for name, (before, gradients, after) in updated("muon").items():
        if name in HIDDEN:
            expected = muon(before, gradients)
            error = np.linalg.norm(after - expected) / np.linalg.norm(expected - before)
            assert error < 0.02, name  # it works in bfloat16
        else:
            np.testing.assert_allclose(after, adam(before, gradients, decoupled=True), rtol=0, atol=2e-6)


def test_hidden_matrices_are_those_of_attention_and_mlp():
    assert hidden_matrices(small_member().learner.model) == HIDDEN


@pytest.mark.parametrize("rule", ["adamw", "adam", "sgd"])
def test_the_update_is_fused(rule):
    (optimiser,) = make_rule(small_member().learner.model, OptimiserConfig(rule=rule))
    assert [group["fused"] for group in optimiser.param_groups] == [True]
