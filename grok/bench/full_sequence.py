"""The usual formulation of the transformer, which computes all positions of all samples, for comparison with ours."""

import torch.nn.functional as F
from einops import rearrange
from jaxtyping import Float, Int
from torch import Tensor

from grok.models import Transformer


def full_sequence_logits(model: Transformer, tokens: Int[Tensor, "sample 3"]) -> Float[Tensor, "sample class"]:
    """Return the logits at the last position from `model`'s parameters, with causal attention over all positions.

    >>> import torch
    >>> from grok.config import TransformerConfig
    >>> model = Transformer(TransformerConfig(), num_tokens=12, num_classes=11, generator=torch.Generator())
    >>> tokens = torch.tensor([[3, 5, 11], [0, 7, 11]])
    >>> (full_sequence_logits(model, tokens) - model(tokens)).abs().max() < 1e-5
    tensor(True)
    """
    residual = model.embedding[tokens] + model.positions
    queries, keys, values = (
        rearrange(residual @ weight.mT, "sample position (head dim) -> sample head position dim", head=model.num_heads)
        for weight in (model.query, model.key, model.value)
    )
    attended = F.scaled_dot_product_attention(queries, keys, values, is_causal=True)
    residual = residual + rearrange(attended, "sample head position dim -> sample position (head dim)") @ (
        model.attention_out.mT
    )
    hidden = F.linear(residual, model.mlp_in, model.mlp_in_bias).relu()
    residual = residual + F.linear(hidden, model.mlp_out, model.mlp_out_bias)
    return model.head(residual)[:, -1]
