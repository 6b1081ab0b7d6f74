"""Networks. Each is a `Classifier`, so every probe works on every one of them."""

from grok.models.classifier import Classifier, TokenClassifier
from grok.models.transformer import Transformer

__all__ = ["Classifier", "TokenClassifier", "Transformer"]
