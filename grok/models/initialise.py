"""Initialisation of the networks for images and signals."""

import torch
from torch import nn

from grok.models.classifier import Classifier


@torch.no_grad()
def initialise(model: Classifier, generator: torch.Generator) -> None:
    """Draw the weights of all layers in their order, and set biases to 0.

    Weights before a ReLU are drawn from N(0, 2/fan-in), and those of the head from N(0, 1/fan-in). Batch normalisations
    keep gain 1 and bias 0, which are torch's defaults.

    Source: He et al., Delving Deep into Rectifiers, ICCV 2015.
    """
    for layer in model.modules():
        if isinstance(layer, nn.Conv1d | nn.Conv2d | nn.Linear):
            gain, fan_in = (1 if layer is model.head else 2), layer.weight[0].numel()
            layer.weight.normal_(std=(gain / fan_in) ** 0.5, generator=generator)
            if layer.bias is not None:
                layer.bias.zero_()
