"""Networks. Each is a `Classifier`, so every probe works on every one of them."""

import torch

from grok.config import TransformerConfig
from grok.models.classifier import Classifier, TokenClassifier
from grok.models.deep_transformer import DeepTransformer
from grok.models.transformer import Transformer


def make_transformer(
    config: TransformerConfig, *, num_tokens: int, num_classes: int, generator: torch.Generator
) -> TokenClassifier:
    """The transformer that `config` describes: the folded one where it has one layer and no LayerNorm."""
    network = DeepTransformer if config.num_layers > 1 or config.layer_norm else Transformer
    return network(config, num_tokens=num_tokens, num_classes=num_classes, generator=generator)


__all__ = ["Classifier", "DeepTransformer", "TokenClassifier", "Transformer", "make_transformer"]
