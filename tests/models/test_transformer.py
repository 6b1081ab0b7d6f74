"""The fast transformer agrees with the textbook's at the paper's size, and is used only where it is exact."""

import pytest
import torch

from grok.config import TaskConfig, TransformerConfig
from grok.models import DeepTransformer, Transformer, make_transformer
from grok.random import stream
from grok.tasks import operation_task
from tests.reference.transformer import full_sequence_logits


def make(**settings):
    return make_transformer(
        TransformerConfig(**settings), num_tokens=114, num_classes=113, generator=stream(0, "model")
    )


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float64, 1e-11), (torch.float32, 2e-5)])
def test_logits_and_gradients_are_those_of_the_full_sequence(dtype, tolerance):
    model, inputs = make().to(dtype), operation_task(TaskConfig(), 0).inputs[::7]
    cotangent = torch.randn(len(inputs), 113, generator=stream(0, "test"), dtype=dtype)
    results = []
    for logits in (model(inputs), full_sequence_logits(model, inputs)):
        gradients = torch.autograd.grad((logits * cotangent).sum() / len(inputs), list(model.parameters()))
        results.append([logits.detach(), *gradients])
    for fast, reference in zip(*results, strict=True):
        torch.testing.assert_close(fast, reference, rtol=0, atol=tolerance)


@pytest.mark.parametrize("tied", [False, True])
def test_one_layer_without_layer_norm_is_folded_and_no_other_is(tied):
    assert isinstance(make(tie_embeddings=tied), Transformer)
    assert isinstance(make(tie_embeddings=tied, layer_norm=True), DeepTransformer)
    assert isinstance(make(tie_embeddings=tied, num_layers=2), DeepTransformer)
