"""Every transformer agrees with the textbook's in logits, gradients, neurons and initialisation."""

import itertools

import pytest
import torch
from torch import nn

from grok.config import TaskConfig, TransformerConfig
from grok.models import make_transformer
from grok.random import stream
from grok.tasks import operation_task
from tests.reference.transformer import full_sequence_logits, full_sequence_neurons
from tests.tolerances import rounding

MODULUS = 13
VARIANTS = [
    pytest.param(
        {"num_layers": depth, "layer_norm": layer_norm, "tie_embeddings": tied},
        id=f"depth {depth}{', LayerNorm' * layer_norm}{', tied' * tied}",
    )
    for depth, layer_norm, tied in itertools.product((1, 2, 3), (False, True), (False, True))
]
of_every_variant = pytest.mark.parametrize("variant", VARIANTS)


def make(variant, *, seed=0, modulus=MODULUS, **sizes):
    sizes = sizes or {"num_heads": 3, "d_head": 5, "d_model": 7, "d_mlp": 11}
    config = TransformerConfig(**sizes, **variant)
    return make_transformer(config, num_tokens=modulus + 1, num_classes=modulus, generator=stream(seed, "model"))


def make_wide(variant):
    """Wide enough to tell variances."""
    return make(variant, modulus=113, d_model=128)


INPUTS = operation_task(TaskConfig(modulus=MODULUS), 0).inputs[::7]


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
@of_every_variant
def test_logits_and_gradients_are_those_of_the_full_sequence(variant, dtype):
    model = make(variant).to(dtype)
    cotangent = torch.randn(len(INPUTS), MODULUS, generator=stream(0, "test"), dtype=dtype)
    results = []
    for logits in (model(INPUTS), full_sequence_logits(model, INPUTS)):
        gradients = torch.autograd.grad((logits * cotangent).sum() / len(INPUTS), list(model.parameters()))
        results.append([logits.detach(), *gradients])
    # Gradients sum over samples and classes; LayerNorm divides them by deviations of about a tenth.
    error = 10 * rounding(dtype, len(INPUTS) * MODULUS)
    for ours, reference in zip(*results, strict=True):
        torch.testing.assert_close(ours, reference, rtol=0, atol=error)


@of_every_variant
def test_neurons_are_those_of_the_full_sequence(variant):
    model = make(variant).double()
    torch.testing.assert_close(model.neurons(INPUTS), full_sequence_neurons(model, INPUTS), rtol=0, atol=1e-11)


@of_every_variant
def test_the_initialisation_has_the_papers_variances(variant):
    model = make_wide(variant)
    known = {name: 0 for name, _ in model.named_parameters() if name.endswith("bias")}
    known |= {f"{name}.weight": 1 for name, module in model.named_modules() if isinstance(module, nn.LayerNorm)}
    known["head.weight"] = 1 / 128 if variant["tie_embeddings"] else 1 / 113
    for name, parameter in model.named_parameters():
        if name not in ("positions", "equals_embedding"):  # too few to tell
            assert parameter.square().mean().item() == pytest.approx(known.get(name, 1 / 128), rel=0.05), name


@of_every_variant
def test_the_number_of_parameters_is_that_of_the_parts(variant):
    depth, head = variant["num_layers"], 113 * 128
    expected = 226_688 + (depth - 1) * (4 * 128 * 128 + 2 * 128 * 512 + 512 + 128)
    expected += variant["layer_norm"] * (2 * depth + 1) * 2 * 128
    expected -= variant["tie_embeddings"] * head
    assert sum(parameter.numel() for parameter in make_wide(variant).parameters()) == expected


@of_every_variant
def test_the_seed_decides_the_weights(variant):
    first, same, other = (dict(make(variant, seed=seed).named_parameters()) for seed in (0, 0, 1))
    for name, parameter in first.items():
        assert torch.equal(parameter, same[name]), name
        drawn = parameter.std() > 0
        assert torch.equal(parameter, other[name]) == (not drawn), name


@of_every_variant
def test_token_embeddings_leave_out_equals(variant):
    model = make(variant)
    expected = model.head.weight if variant["tie_embeddings"] else model.embedding[:MODULUS]
    assert torch.equal(model.token_embeddings(), expected)
