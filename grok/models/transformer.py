"""The one-layer ReLU transformer that groks modular arithmetic, computing only what differs between samples."""

import torch
import torch.nn.functional as F
from einops import einsum, rearrange
from jaxtyping import Float, Int
from torch import Tensor, nn

from grok.config import TransformerConfig
from grok.models.classifier import TokenClassifier

NUM_POSITIONS = 3  # a b =


class Transformer(TokenClassifier):
    r"""One attention layer and one MLP on the tokens `a b =`; the prediction is read at `=`.

    No LayerNorm, ReLU, learned positions, no biases but the MLP's. Initialisation: N(0, 1/d_model) for embedding,
    positions and weights, N(0, 1/C) for the unembedding, zero biases.

    Only the last position is read and the model has one layer, so only the last position is computed. Its token is
    always `=`, so the query is one vector; keys and values depend on token and position alone, so they are tables
    with a row a token, looked up by the samples. With $\alpha$ the attention of `=` to the three positions, which
    sums to 1, the heads give $v_= + \alpha_a (v_a - v_=) + \alpha_b (v_b - v_=)$.

    Inputs: token indices, shape (sample, 3), with the last token of the vocabulary, `=`, in the last column.

    Source: Nanda et al., Progress measures for grokking via mechanistic interpretability, ICLR 2023.
    """

    def __init__(
        self, config: TransformerConfig, *, num_tokens: int, num_classes: int, generator: torch.Generator
    ) -> None:
        super().__init__()
        self.num_heads = config.num_heads

        def normal(*shape: int, variance: float = 1 / config.d_model) -> nn.Parameter:
            return nn.Parameter(torch.randn(*shape, generator=generator) * variance**0.5)

        d_attention = config.num_heads * config.d_head
        self.embedding = normal(num_tokens, config.d_model)
        self.positions = normal(NUM_POSITIONS, config.d_model)
        self.query = normal(d_attention, config.d_model)
        self.key = normal(d_attention, config.d_model)
        self.value = normal(d_attention, config.d_model)
        self.attention_out = normal(config.d_model, d_attention)
        self.mlp_in = normal(config.d_mlp, config.d_model)
        self.mlp_in_bias = nn.Parameter(torch.zeros(config.d_mlp))
        self.mlp_out = normal(config.d_model, config.d_mlp)
        self.mlp_out_bias = nn.Parameter(torch.zeros(config.d_model))
        self.head = nn.utils.skip_init(nn.Linear, config.d_model, num_classes, bias=False)
        self.head.weight = normal(num_classes, config.d_model, variance=1 / num_classes)

    def token_embeddings(self) -> Float[Tensor, "class dim"]:
        """Embeddings of all tokens but `=`, shape (C, d_model)."""
        return self.embedding[:-1]

    def features(self, inputs: Int[Tensor, "sample 3"]) -> Float[Tensor, "sample d_model"]:
        """The residual stream at `=` after the MLP."""
        first, second = inputs[:, 0], inputs[:, 1]

        # Tables: what position and token alone decide
        residual_first = self.embedding + self.positions[0]
        residual_second = self.embedding + self.positions[1]
        residual_equals = self.embedding[-1] + self.positions[2]
        query = rearrange(self.query @ residual_equals, "(head dim) -> head dim", head=self.num_heads)
        key = rearrange(self.key, "(head dim) model -> head dim model", head=self.num_heads)
        score_of = einsum(query, key, "head dim, head dim model -> model head") / query.shape[-1] ** 0.5
        value_equals = self.value @ residual_equals
        value_first = residual_first @ self.value.mT - value_equals
        value_second = residual_second @ self.value.mT - value_equals

        # Attention of `=` to a, b and itself
        scores = torch.stack(
            [
                F.embedding(first, residual_first @ score_of),
                F.embedding(second, residual_second @ score_of),
                (residual_equals @ score_of).expand(len(inputs), -1),
            ],
            dim=1,
        )
        attention = scores.softmax(dim=1)
        mixed = self._attend(attention[:, 0], first, value_first) + self._attend(attention[:, 1], second, value_second)
        residual = F.linear(mixed, self.attention_out, residual_equals + self.attention_out @ value_equals)

        # MLP
        hidden = F.linear(residual, self.mlp_in, self.mlp_in_bias).relu_()
        return residual + F.linear(hidden, self.mlp_out, self.mlp_out_bias)

    def _attend(
        self,
        attention: Float[Tensor, "sample head"],
        tokens: Int[Tensor, "sample"],
        values: Float[Tensor, "token d_attention"],
    ) -> Float[Tensor, "sample d_attention"]:
        looked_up = rearrange(F.embedding(tokens, values), "sample (head dim) -> sample head dim", head=self.num_heads)
        return rearrange(attention[:, :, None] * looked_up, "sample head dim -> sample (head dim)")
