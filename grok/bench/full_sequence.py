"""Usual formulations of the transformer, which compute all positions of all samples, for comparison with ours."""

import torch
import torch.nn.functional as F
from einops import einsum, rearrange
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


def notebook_logits(model: Transformer, tokens: Int[Tensor, "sample 3"]) -> Float[Tensor, "sample class"]:
    """Return the same logits in the style of the notebooks on grokking: one product of named axes for each weight.

    The attention is written out: scores, a causal mask, the softmax, and the weighted sum of the values.
    """
    residual = model.embedding[tokens] + model.positions
    query, key, value = (
        rearrange(weight, "(head dim) model -> head dim model", head=model.num_heads)
        for weight in (model.query, model.key, model.value)
    )
    queries, keys, values = (
        einsum(weight, residual, "head dim model, sample position model -> sample head position dim")
        for weight in (query, key, value)
    )
    scores = einsum(queries, keys, "sample head query dim, sample head key dim -> sample head query key")
    allowed = torch.ones(scores.shape[-2:], dtype=torch.bool, device=scores.device).tril()
    attention = (scores / query.shape[1] ** 0.5).masked_fill(~allowed, -torch.inf).softmax(dim=-1)
    mixed = einsum(attention, values, "sample head query key, sample head key dim -> sample query head dim")
    residual = residual + einsum(
        model.attention_out,
        rearrange(mixed, "sample position head dim -> sample position (head dim)"),
        "model mixed, sample position mixed -> sample position model",
    )
    hidden = einsum(model.mlp_in, residual, "neuron model, sample position model -> sample position neuron")
    hidden = (hidden + model.mlp_in_bias).relu()
    residual = residual + model.mlp_out_bias
    residual = residual + einsum(model.mlp_out, hidden, "model neuron, sample position neuron -> sample position model")
    return einsum(model.head.weight, residual, "token model, sample position model -> sample position token")[:, -1]
