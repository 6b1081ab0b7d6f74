"""The pass by autograd gives the loss and the gradients of the whole network."""

import torch

from grok.models.gradients import AutogradPass, Chunk
from grok.training.loss import cross_entropy
from tests.helpers import small_member, small_model


def test_loss_gradients_features_and_logits_are_the_networks():
    learner = small_member(model=small_model(num_layers=2, layer_norm=True)).learner
    model, samples = learner.model, learner.samples("train")
    features, logits = torch.empty(samples.count, 16), torch.empty(samples.count, 11)
    one_pass = AutogradPass(model)
    gradients = one_pass(Chunk(samples.inputs, samples.targets, features, logits), (), cross_entropy)
    loss = cross_entropy(model(samples.inputs), samples.targets)
    expected = torch.autograd.grad(loss, list(model.parameters()))
    assert gradients.loss == loss
    assert gradients.common == []
    torch.testing.assert_close(gradients.parameters, list(expected))
    torch.testing.assert_close(features, model.features(samples.inputs).detach())
    torch.testing.assert_close(logits, model(samples.inputs).detach())
