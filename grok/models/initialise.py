"""How the weights of networks on images and signals are drawn."""

import torch
from torch import nn

from grok.models.classifier import Classifier


@torch.no_grad()
def initialise(model: Classifier, generator: torch.Generator) -> None:
    """Draw the weights of all layers in their order: N(0, 2/fan-in) before a ReLU, N(0, 1/fan-in) for the head.

    Biases are 0. Batch normalisations are left with gain 1 and bias 0, as torch makes them.

    Source: He et al., Delving Deep into Rectifiers, ICCV 2015.
    """
    for layer in model.modules():
        if isinstance(layer, nn.Conv1d | nn.Conv2d | nn.Linear):
            gain, fan_in = (1 if layer is model.head else 2), layer.weight[0].numel()
            layer.weight.normal_(std=(gain / fan_in) ** 0.5, generator=generator)
            if layer.bias is not None:
                layer.bias.zero_()
