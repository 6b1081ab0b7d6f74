"""A ReLU transformer of any depth, with or without LayerNorm, in its usual form."""

import torch
import torch.nn.functional as F
from einops import einsum, rearrange
from jaxtyping import Float, Int
from torch import Tensor, nn

from grok.config import TransformerConfig
from grok.models.equation_transformer import NUM_POSITIONS, Draw, EquationTransformer, drawing


class Layer(nn.Module):
    """Causal attention followed by a ReLU MLP.

    Each reads the residual stream, through a LayerNorm if the network has any, and adds its output to it.
    """

    def __init__(self, config: TransformerConfig, draw: Draw) -> None:
        super().__init__()
        self.num_heads = config.num_heads
        d_attention = config.num_heads * config.d_head
        self.attention_norm = _norm(config)
        self.query = draw(d_attention, config.d_model)
        self.key = draw(d_attention, config.d_model)
        self.value = draw(d_attention, config.d_model)
        self.attention_out = draw(config.d_model, d_attention)
        self.mlp_norm = _norm(config)
        self.mlp_in = draw(config.d_mlp, config.d_model)
        self.mlp_in_bias = nn.Parameter(torch.zeros(config.d_mlp))
        self.mlp_out = draw(config.d_model, config.d_mlp)
        self.mlp_out_bias = nn.Parameter(torch.zeros(config.d_model))

    def forward(
        self, residual: Float[Tensor, "sample position d_model"], *, queries: int
    ) -> tuple[Float[Tensor, "sample query d_model"], Float[Tensor, "sample query d_mlp"]]:
        """Return the residual stream after the layer and the MLP's activations, at the last `queries` positions."""
        # Attention of the last positions to themselves and all earlier ones
        read = self.attention_norm(residual)
        query, key, value = (
            rearrange(
                F.linear(of, weight), "sample position (head dim) -> sample head position dim", head=self.num_heads
            )
            for of, weight in ((read[:, -queries:], self.query), (read, self.key), (read, self.value))
        )
        scores = einsum(query, key, "sample head query dim, sample head key dim -> sample head query key")
        positions = key.shape[2]
        future = torch.ones(positions, positions, dtype=torch.bool, device=residual.device).triu(diagonal=1)[-queries:]
        attention = (scores / key.shape[-1] ** 0.5).masked_fill(future, float("-inf")).softmax(dim=-1)
        mixed = einsum(attention, value, "sample head query key, sample head key dim -> sample query head dim")
        residual = residual[:, -queries:] + F.linear(mixed.flatten(2), self.attention_out)

        # MLP
        neurons = F.linear(self.mlp_norm(residual), self.mlp_in, self.mlp_in_bias).relu_()
        return residual + F.linear(neurons, self.mlp_out, self.mlp_out_bias), neurons


class DeepTransformer(EquationTransformer):
    """Layers of attention and MLP on the tokens `a b =`.

    All layers but the last compute every position. The prediction is read at `=`, so the last layer computes only the
    query and the MLP of `=`. LayerNorms, if any, stand before attention, MLP and head, with initial gain 1 and bias 0.
    The features are the inputs of the head, that is, the output of the last LayerNorm. Positions are learned. Only MLPs
    and LayerNorms have biases, which start at 0.

    Source: Vaswani et al., Attention Is All You Need, NeurIPS 2017. The LayerNorms are placed as in Xiong et al., On
    Layer Normalization in the Transformer Architecture, ICML 2020.
    """

    def __init__(
        self, config: TransformerConfig, *, num_tokens: int, num_classes: int, generator: torch.Generator
    ) -> None:
        draw = drawing(config, generator)
        super().__init__(config, num_tokens=num_tokens, draw=draw)
        self.layers = nn.ModuleList(Layer(config, draw) for _ in range(config.num_layers))
        self.norm = _norm(config)
        self.add_head(config, num_classes=num_classes, draw=draw)

    def features(self, inputs: Int[Tensor, "sample 3"]) -> Float[Tensor, "sample d_model"]:
        """Return the residual stream at `=` after the last layer and the last LayerNorm."""
        features, _ = self.features_and_neurons(inputs)
        return features

    def neurons(self, inputs: Int[Tensor, "sample 3"]) -> Float[Tensor, "sample neuron"]:
        """Return the hidden activations of the last layer's MLP at `=`."""
        _, neurons = self._last_layer(inputs)
        return neurons

    def features_and_neurons(
        self, inputs: Int[Tensor, "sample 3"]
    ) -> tuple[Float[Tensor, "sample d_model"], Float[Tensor, "sample neuron"]]:
        """Return the residual stream at `=` after the last LayerNorm, and the last MLP's hidden activations there."""
        residual, neurons = self._last_layer(inputs)
        return self.norm(residual), neurons

    def _last_layer(
        self, inputs: Int[Tensor, "sample 3"]
    ) -> tuple[Float[Tensor, "sample d_model"], Float[Tensor, "sample neuron"]]:
        residual = F.embedding(inputs, self.all_embeddings()) + self.positions
        *earlier, last = self.layers
        for layer in earlier:
            residual, _ = layer(residual, queries=NUM_POSITIONS)
        residual, neurons = last(residual, queries=1)
        return residual.squeeze(1), neurons.squeeze(1)


def _norm(config: TransformerConfig) -> nn.Module:
    return nn.LayerNorm(config.d_model) if config.layer_norm else nn.Identity()
