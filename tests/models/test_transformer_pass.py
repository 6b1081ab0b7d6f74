"""The pass that is written out agrees with autograd, for any loss, size of chunk and type of numbers."""

from functools import partial

import pytest
import torch

from grok.config import TaskConfig, TransformerConfig
from grok.models import make_transformer
from grok.models.gradients import Chunk
from grok.random import stream
from grok.tasks import operation_task
from grok.training.loss import cross_entropy, stablemax_cross_entropy

LOSSES = {
    "cross-entropy": cross_entropy,
    "float32": partial(cross_entropy, dtype=torch.float32),
    "smoothed": partial(cross_entropy, label_smoothing=0.1),
    "stablemax": stablemax_cross_entropy,
}


def make(**settings):
    return make_transformer(
        TransformerConfig(**settings), num_tokens=114, num_classes=113, generator=stream(0, "model")
    )


def chunk_of(task, samples, model):
    inputs, targets = task.inputs[samples], task.targets[samples]
    num_classes, dim = model.head.weight.shape
    weight = model.head.weight
    return Chunk(inputs, targets, weight.new_empty(len(inputs), dim), weight.new_empty(len(inputs), num_classes))


def by_autograd(model, chunk, loss):
    """The gradients with respect to the common tensors and to the parameters of the pass, from the plain network."""
    one_pass, parameters = model.make_pass(), list(model.parameters())
    value = loss(model(chunk.inputs), chunk.targets)
    return value, dict(zip(parameters, torch.autograd.grad(value, parameters), strict=True)), one_pass


@pytest.mark.parametrize("tied", [False, True])
@pytest.mark.parametrize("loss", LOSSES.values(), ids=LOSSES.keys())
@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float64, 1e-12), (torch.float32, 2e-6)])
def test_loss_and_gradients_are_those_of_autograd(dtype, tolerance, loss, tied):
    model, task = make(tie_embeddings=tied).to(dtype), operation_task(TaskConfig(), 0)
    with torch.no_grad():
        model.mlp_in_bias += torch.randn(512, generator=stream(1, "bias"), dtype=dtype) / 10
        model.mlp_out_bias += torch.randn(128, generator=stream(2, "bias"), dtype=dtype) / 10
    chunk = chunk_of(task, task.train[::9], model)
    value, expected, one_pass = by_autograd(model, chunk, loss)

    common = model.common()
    computed = one_pass(chunk, [tensor.detach() for tensor in common], loss)
    through = torch.autograd.grad(common, list(expected), computed.common, allow_unused=True)
    total = {parameter: torch.zeros_like(parameter) for parameter in expected}
    for parameter, gradient in [
        *zip(one_pass.parameters, computed.parameters, strict=True),
        *zip(total, through, strict=True),
    ]:
        if gradient is not None:
            total[parameter] += gradient

    assert computed.loss.item() == pytest.approx(value.item(), rel=1e-6 if loss is LOSSES["float32"] else tolerance)
    for parameter, gradient in expected.items():
        assert (total[parameter] - gradient).norm() <= 10 * tolerance * gradient.norm()
    torch.testing.assert_close(chunk.logits, model(chunk.inputs).detach(), rtol=0, atol=20 * tolerance)
    torch.testing.assert_close(chunk.features, model.features(chunk.inputs).detach(), rtol=0, atol=20 * tolerance)


def test_a_pass_that_has_computed_another_chunk_gives_what_a_new_one_gives():
    model, task = make(), operation_task(TaskConfig(), 0)
    common = [tensor.detach() for tensor in model.common()]
    used = model.make_pass()
    for samples in (task.train[:50], task.train[50:400], task.train[400:410]):
        chunk = chunk_of(task, samples, model)
        new, again = model.make_pass()(chunk, common, cross_entropy), used(chunk, common, cross_entropy)
        assert new.loss == again.loss
        for one, other in zip((*new.common, *new.parameters), (*again.common, *again.parameters), strict=True):
            assert torch.equal(one, other)
