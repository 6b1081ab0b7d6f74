"""The deep transformer computes only the positions that are read, and learns."""

import torch

from grok.config import TransformerConfig
from grok.models import DeepTransformer
from grok.random import stream
from tests.helpers import new_run, run_steps, small_engine, small_model


def test_the_last_layer_computes_the_last_position_alone():
    config = TransformerConfig(num_layers=3, layer_norm=True)
    model = DeepTransformer(config, num_tokens=6, num_classes=5, generator=stream(0, "model"))
    positions = []
    for layer in model.layers:
        layer.register_forward_hook(lambda layer, inputs, outputs: positions.append([len(x[0]) for x in outputs]))
    model.features(torch.tensor([[1, 2, 5]]))
    assert positions == [[3, 3], [3, 3], [1, 1]]


def test_the_features_of_a_new_network_with_layer_norm_have_mean_0_and_variance_1():
    config = TransformerConfig(num_layers=2, layer_norm=True)
    model = DeepTransformer(config, num_tokens=6, num_classes=5, generator=stream(0, "model"))
    features = model.features(torch.tensor([[1, 2, 5], [3, 3, 5]]))
    torch.testing.assert_close(features.mean(dim=1), torch.zeros(2), rtol=0, atol=1e-5)
    torch.testing.assert_close(features.var(dim=1, correction=0), torch.ones(2), rtol=0, atol=1e-3)


def test_a_network_of_two_layers_with_layer_norm_learns(tmp_path):
    engine = small_engine(model=small_model(num_layers=2, layer_norm=True), steps=200, accuracy="every:50")
    losses = [row["train/loss"] for _, row in run_steps(engine, new_run(tmp_path), 201) if "train/loss" in row]
    assert losses[-1] < losses[0] / 2
