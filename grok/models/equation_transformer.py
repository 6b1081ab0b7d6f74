"""What the transformers on the tokens `a b =` share: embeddings, tied to the head or not, and how weights are drawn."""

from functools import partial

import torch
from jaxtyping import Float
from torch import Tensor, nn

from grok.config import TransformerConfig
from grok.models.classifier import TokenClassifier

NUM_POSITIONS = 3  # a b =

Draw = partial[nn.Parameter]
"""Draws parameters of given shapes, one after another."""


def drawing(config: TransformerConfig, generator: torch.Generator) -> Draw:
    """Draw from N(0, 1/d_model), or with `variance=` from a normal distribution of that variance."""
    return partial(_normal, variance=1 / config.d_model, generator=generator)


def _normal(*shape: int, variance: float, generator: torch.Generator) -> nn.Parameter:
    return nn.Parameter(torch.randn(*shape, generator=generator) * variance**0.5)


class EquationTransformer(TokenClassifier):
    """A transformer on the tokens `a b =` whose prediction is read at `=`; the layers are those of a subclass.

    Inputs: token indices, shape (sample, 3), with the last token of the vocabulary, `=`, in the last column.

    The parameter `embedding`, shape (C + 1, d_model), has a row a token. Tied, the rows of `head.weight`, (C, d_model),
    are the embeddings of the classes' tokens, and that of `=` is the parameter `equals_embedding`, (1, d_model).

    Initialisation: N(0, 1/d_model) for embeddings, positions and weights, N(0, 1/C) for a head that is not tied. A
    subclass draws its layers between this constructor and `add_head`.
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
        """Draw the unembedding: the last in the order of the generator."""
        self.head = nn.utils.skip_init(nn.Linear, config.d_model, num_classes, bias=False)
        variance = 1 / config.d_model if self.tied else 1 / num_classes
        self.head.weight = draw(num_classes, config.d_model, variance=variance)

    def token_embeddings(self) -> Float[Tensor, "class dim"]:
        """Embeddings of all tokens but `=`, shape (C, d_model)."""
        return self.head.weight if self.tied else self.embedding[:-1]

    def all_embeddings(self) -> Float[Tensor, "token dim"]:
        """Embeddings of all tokens, that of `=` last, shape (C + 1, d_model)."""
        return torch.cat([self.head.weight, self.equals_embedding]) if self.tied else self.embedding
