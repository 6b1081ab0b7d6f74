"""The common part of the transformers on the tokens `a b =`: the embeddings, the head, and how weights are drawn."""

from functools import partial

import torch
from jaxtyping import Float
from torch import Tensor, nn

from grok.config import TransformerConfig
from grok.models.classifier import TokenClassifier

NUM_POSITIONS = 3  # a b =

Draw = partial[nn.Parameter]
"""A function that draws parameters of given shapes, one after another."""


def drawing(config: TransformerConfig, generator: torch.Generator) -> Draw:
    """Return a function that draws from N(0, 1/d_model), or from a normal distribution with another `variance`."""
    return partial(_normal, variance=1 / config.d_model, generator=generator)


def _normal(*shape: int, variance: float, generator: torch.Generator) -> nn.Parameter:
    return nn.Parameter(torch.randn(*shape, generator=generator) * variance**0.5)


class EquationTransformer(TokenClassifier):
    """A transformer on the tokens `a b =` whose prediction is read at `=`; subclasses define the layers.

    Inputs are token indices of shape (sample, 3). The last column holds `=`, the last token of the vocabulary.

    The parameter `embedding`, shape (C + 1, d_model), has one row per token. If embeddings are tied, the rows of
    `head.weight`, shape (C, d_model), are the embeddings of the classes' tokens. The embedding of `=` is then the
    parameter `equals_embedding`, shape (1, d_model).

    Embeddings, positions and weights are drawn from N(0, 1/d_model), and a head that is not tied from N(0, 1/C). A
    subclass draws its layers after this constructor and before `add_head`.
    """

    def __init__(self, config: TransformerConfig, *, num_tokens: int, draw: Draw) -> None:
        super().__init__()
        self.num_heads = config.num_heads
        self.tied = config.tie_embeddings
        if self.tied:
            self.equals_embedding = draw(1, config.d_model)
        else:
            self.embedding = draw(num_tokens, config.d_model)
        self.positions = draw(NUM_POSITIONS, config.d_model)

    def add_head(self, config: TransformerConfig, *, num_classes: int, draw: Draw) -> None:
        """Draw the unembedding, which comes last in the order of the generator."""
        self.head = nn.utils.skip_init(nn.Linear, config.d_model, num_classes, bias=False)
        variance = 1 / config.d_model if self.tied else 1 / num_classes
        self.head.weight = draw(num_classes, config.d_model, variance=variance)

    def token_embeddings(self) -> Float[Tensor, "class dim"]:
        """Return the embeddings of all tokens but `=`, shape (C, d_model)."""
        return self.head.weight if self.tied else self.embedding[:-1]

    def all_embeddings(self) -> Float[Tensor, "token dim"]:
        """Return the embeddings of all tokens, with `=` last, shape (C + 1, d_model)."""
        return torch.cat([self.head.weight, self.equals_embedding]) if self.tied else self.embedding
