"""The networks. Each one is a `Classifier`, so that every probe works on every network."""

from collections.abc import Callable, Sequence

import torch

from grok.config import ImageModelConfig, TransformerConfig
from grok.models.classifier import Classifier, TokenClassifier
from grok.models.conv1d import ConvNet1d
from grok.models.deep_transformer import DeepTransformer
from grok.models.mlp import MLP
from grok.models.transformer import Transformer
from grok.models.wide_resnet import WideResNet


def make_transformer(
    config: TransformerConfig, *, num_tokens: int, num_classes: int, generator: torch.Generator
) -> TokenClassifier:
    """Return the transformer that `config` describes; one layer without LayerNorm is the faster `Transformer`."""
    network = DeepTransformer if config.num_layers > 1 or config.layer_norm else Transformer
    return network(config, num_tokens=num_tokens, num_classes=num_classes, generator=generator)


def make_image_model(
    config: ImageModelConfig, *, shape: Sequence[int], num_classes: int, generator: torch.Generator
) -> Classifier:
    """Return the network that `config` describes, for inputs of this shape without the axis of samples."""
    networks: dict[str, Callable[..., Classifier]] = {"wide-resnet": WideResNet, "conv1d": ConvNet1d, "mlp": MLP}
    return networks[config.network](config, shape=shape, num_classes=num_classes, generator=generator)


__all__ = [
    "MLP",
    "Classifier",
    "ConvNet1d",
    "DeepTransformer",
    "TokenClassifier",
    "Transformer",
    "WideResNet",
    "make_image_model",
    "make_transformer",
]
