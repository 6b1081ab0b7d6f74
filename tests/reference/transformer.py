"""The textbook transformer: every position, every layer step, nothing folded. Slow, and the oracle of the fast one."""

import torch
from jaxtyping import Float, Int
from torch import Tensor

from grok.models import Transformer


def full_sequence_logits(model: Transformer, tokens: Int[Tensor, "sample 3"]) -> Float[Tensor, "sample class"]:
    """Logits at the last position, with causal softmax attention over the whole sequence, from `model`'s parameters."""
    residual = model.embedding[tokens] + model.positions  # (sample, position, d_model)
    head_outputs = []
    weights = (weight.chunk(model.num_heads) for weight in (model.query, model.key, model.value))
    for query, key, value in zip(*weights, strict=True):
        q, k, v = residual @ query.T, residual @ key.T, residual @ value.T
        scores = q @ k.transpose(1, 2) / q.shape[-1] ** 0.5
        future = torch.ones(scores.shape[-2:], dtype=torch.bool).triu(diagonal=1)
        attention = torch.softmax(scores.masked_fill(future, float("-inf")), dim=-1)
        head_outputs.append(attention @ v)
    residual = residual + torch.cat(head_outputs, dim=-1) @ model.attention_out.T
    hidden = torch.clamp(residual @ model.mlp_in.T + model.mlp_in_bias, min=0)
    residual = residual + hidden @ model.mlp_out.T + model.mlp_out_bias
    return (residual @ model.head.weight.T)[:, -1]
