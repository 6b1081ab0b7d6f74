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
    always `=`, so the query is one vector; keys and values depend on token and position alone, so they are a table
    with a row a token and position, looked up by the samples. Scores and values are taken relative to those of `=`:
    with $\alpha$ the attention of `=` to the three positions, which sums to 1, the heads give
    $v_= + \alpha_a (v_a - v_=) + \alpha_b (v_b - v_=)$.

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
        residual = self._attended(inputs)
        return residual + F.linear(self._hidden(residual), self.mlp_out, self.mlp_out_bias)

    def neurons(self, inputs: Int[Tensor, "sample 3"]) -> Float[Tensor, "sample d_mlp"]:
        """Activations of the MLP at `=`, after the ReLU."""
        return self._hidden(self._attended(inputs))

    def _attended(self, inputs: Int[Tensor, "sample 3"]) -> Float[Tensor, "sample d_model"]:
        """The residual stream at `=` before the MLP."""
        num_tokens = len(self.embedding)

        # Table: attention scores and values of every token at either position, each relative to those of `=`
        residual_equals = self.embedding[-1] + self.positions[2]
        relative = rearrange(
            self.embedding + self.positions[:2, None] - residual_equals,
            "position token model -> (position token) model",
        )
        query = rearrange(self.query @ residual_equals, "(head dim) -> head dim", head=self.num_heads)
        key = rearrange(self.key, "(head dim) model -> head dim model", head=self.num_heads)
        score_of = einsum(query, key, "head dim, head dim model -> head model") / query.shape[-1] ** 0.5
        table = relative @ torch.cat([score_of, self.value]).mT

        # Attention of `=` to a, b and itself, whose score and value relative to itself are 0
        positions = torch.arange(2, device=inputs.device) * num_tokens
        looked_up = F.embedding(inputs[:, :2] + positions, table)  # (sample, position, head + d_attention)
        scores, values = looked_up.split([self.num_heads, len(self.value)], dim=-1)
        attention = F.pad(scores, (0, 0, 0, 1)).softmax(dim=1)[:, :2]
        values = rearrange(values, "sample position (head dim) -> sample position head dim", head=self.num_heads)
        mixed = rearrange((attention[..., None] * values).sum(dim=1), "sample head dim -> sample (head dim)")
        constant = residual_equals + self.attention_out @ (self.value @ residual_equals)
        return F.linear(mixed, self.attention_out, constant)

    def _hidden(self, residual: Float[Tensor, "sample d_model"]) -> Float[Tensor, "sample d_mlp"]:
        return F.linear(residual, self.mlp_in, self.mlp_in_bias).relu_()
