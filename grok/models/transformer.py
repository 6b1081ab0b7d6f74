"""The one-layer ReLU transformer that groks modular arithmetic, which computes common parts once for all samples."""

import torch
import torch.nn.functional as F
from einops import einsum, rearrange
from jaxtyping import Float, Int
from torch import Tensor, nn

from grok.config import TransformerConfig
from grok.models.equation_transformer import EquationTransformer, drawing
from grok.models.gradients import Pass
from grok.models.transformer_pass import TransformerPass


class Transformer(EquationTransformer):
    r"""One attention layer and one MLP on the tokens `a b =`; the prediction is read at `=`.

    The network has ReLU, learned positions and no LayerNorm. Only the MLP has biases, which start at 0.

    Only the last position is read and the network has one layer, so only the last position is computed. Its token is
    always `=`, so the query is one vector. Keys and values depend only on token and position. They form a table with
    one row per token and position, from which samples look them up. Scores and values are taken relative to those of
    `=`. With $\alpha$ the attention of `=` to the three positions, which sums to 1, the heads give
    $v_= + \alpha_a (v_a - v_=) + \alpha_b (v_b - v_=)$.

    Source: Nanda et al., Progress measures for grokking via mechanistic interpretability, ICLR 2023.
    """

    def __init__(
        self, config: TransformerConfig, *, num_tokens: int, num_classes: int, generator: torch.Generator
    ) -> None:
        draw = drawing(config, generator)
        super().__init__(config, num_tokens=num_tokens, draw=draw)
        d_attention = config.num_heads * config.d_head
        self.query = draw(d_attention, config.d_model)
        self.key = draw(d_attention, config.d_model)
        self.value = draw(d_attention, config.d_model)
        self.attention_out = draw(config.d_model, d_attention)
        self.mlp_in = draw(config.d_mlp, config.d_model)
        self.mlp_in_bias = nn.Parameter(torch.zeros(config.d_mlp))
        self.mlp_out = draw(config.d_model, config.d_mlp)
        self.mlp_out_bias = nn.Parameter(torch.zeros(config.d_model))
        self.add_head(config, num_classes=num_classes, draw=draw)

    def features(self, inputs: Int[Tensor, "sample 3"]) -> Float[Tensor, "sample d_model"]:
        """Return the residual stream at `=` after the MLP."""
        features, _ = self.features_and_neurons(inputs)
        return features

    def neurons(self, inputs: Int[Tensor, "sample 3"]) -> Float[Tensor, "sample neuron"]:
        """Return the hidden activations of the MLP at `=`."""
        _, neurons = self._residual_and_neurons(inputs)
        return neurons

    def features_and_neurons(
        self, inputs: Int[Tensor, "sample 3"]
    ) -> tuple[Float[Tensor, "sample d_model"], Float[Tensor, "sample neuron"]]:
        """Return the residual stream at `=` after the MLP, and the MLP's hidden activations there."""
        residual, neurons = self._residual_and_neurons(inputs)
        return residual + F.linear(neurons, self.mlp_out, self.mlp_out_bias), neurons

    def _residual_and_neurons(
        self, inputs: Int[Tensor, "sample 3"]
    ) -> tuple[Float[Tensor, "sample d_model"], Float[Tensor, "sample neuron"]]:
        """Return the residual stream at `=` after attention, and the MLP's hidden activations there."""
        table, constant = self.common()

        # Attention of `=` to a, b and itself, whose score and value relative to itself are 0
        positions = torch.arange(2, device=inputs.device) * (len(table) // 2)
        looked_up = F.embedding(inputs[:, :2] + positions, table)  # (sample, position, head + d_attention)
        scores, values = looked_up.split([self.num_heads, len(self.value)], dim=-1)
        attention = F.pad(scores, (0, 0, 0, 1)).softmax(dim=1)[:, :2]
        values = rearrange(values, "sample position (head dim) -> sample position head dim", head=self.num_heads)
        mixed = rearrange((attention[..., None] * values).sum(dim=1), "sample head dim -> sample (head dim)")
        residual = F.linear(mixed, self.attention_out, constant)

        return residual, F.linear(residual, self.mlp_in, self.mlp_in_bias).relu_()

    def common(self) -> tuple[Float[Tensor, "row score_and_value"], Float[Tensor, "d_model"]]:
        """Return the table of attention scores and values, and the part of the residual stream that all samples share.

        The table has one row per position and token, of num_heads scores and d_attention values relative to those of
        `=`.
        """
        embedding = self.all_embeddings()
        residual_equals = embedding[-1] + self.positions[2]
        relative = rearrange(
            embedding + self.positions[:2, None] - residual_equals,
            "position token model -> (position token) model",
        )
        query = rearrange(self.query @ residual_equals, "(head dim) -> head dim", head=self.num_heads)
        key = rearrange(self.key, "(head dim) model -> head dim model", head=self.num_heads)
        score_of = einsum(query, key, "head dim, head dim model -> head model") / query.shape[-1] ** 0.5
        table = relative @ torch.cat([score_of, self.value]).mT
        return table, residual_equals + self.attention_out @ (self.value @ residual_equals)

    def make_pass(self) -> Pass:
        """Return the pass that is written out, which is faster than by autograd."""
        return TransformerPass(self)
