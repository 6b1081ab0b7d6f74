"""The folded transformer is the textbook one: same logits, same gradients, the paper's initialisation."""

import pytest
import torch

from grok.config import TaskConfig, TransformerConfig
from grok.models import Transformer
from grok.random import stream
from grok.tasks import operation_task
from tests.reference.transformer import full_sequence_logits

SIZES = {
    "paper": (TransformerConfig(), 113),
    "odd": (TransformerConfig(num_heads=3, d_head=5, d_model=7, d_mlp=11), 13),
}


def make(size, seed=0):
    config, modulus = SIZES[size]
    return Transformer(config, num_tokens=modulus + 1, num_classes=modulus, generator=stream(seed, "model"))


def inputs_of(size):
    return operation_task(TaskConfig(modulus=SIZES[size][1]), 0).inputs


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float64, 1e-11), (torch.float32, 2e-5)])
@pytest.mark.parametrize("size", SIZES)
def test_logits_and_gradients_are_those_of_the_full_sequence(size, dtype, tolerance):
    model, inputs = make(size).to(dtype), inputs_of(size)[::7]
    cotangent = torch.randn(len(inputs), SIZES[size][1], generator=stream(0, "test"), dtype=dtype)
    results = []
    for logits in (model(inputs), full_sequence_logits(model, inputs)):
        gradients = torch.autograd.grad((logits * cotangent).sum() / len(inputs), list(model.parameters()))
        results.append([logits.detach(), *gradients])
    for fast, reference in zip(*results, strict=True):
        torch.testing.assert_close(fast, reference, rtol=0, atol=tolerance)


def test_the_paper_size_has_its_number_of_parameters():
    assert sum(parameter.numel() for parameter in make("paper").parameters()) == 226_688


def test_the_initialisation_has_the_papers_variances():
    model = make("paper")
    variances = {"head.weight": 1 / 113, "mlp_in_bias": 0, "mlp_out_bias": 0, "positions": None}
    for name, parameter in model.named_parameters():
        expected = variances.get(name, 1 / 128)
        if expected is not None:  # three positions are too few to tell
            assert parameter.square().mean().item() == pytest.approx(expected, rel=0.05), name


def test_the_seed_decides_the_weights():
    same, other = make("odd"), make("odd", seed=1)
    assert torch.equal(make("odd").mlp_in, same.mlp_in)
    assert not torch.equal(make("odd").mlp_in, other.mlp_in)


def test_token_embeddings_leave_out_equals():
    model = make("odd")
    assert torch.equal(model.token_embeddings(), model.embedding[:13])


def test_neurons_are_what_the_mlp_writes_through_its_output_weights():
    model, inputs = make("odd"), inputs_of("odd")
    with torch.no_grad():
        model.mlp_in_bias += 0.1
        neurons, features = model.neurons(inputs), model.features(inputs)
        written = neurons @ model.mlp_out.T
        model.mlp_out.zero_()
        torch.testing.assert_close(features - model.features(inputs), written, rtol=0, atol=1e-5)
    assert neurons.shape == (169, 11)
    assert neurons.min() == 0
