"""The textbook transformer: every position, every layer, nothing folded. Slow, and the oracle of the models."""

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from grok.models import DeepTransformer, Transformer


def full_sequence_logits(
    model: Transformer | DeepTransformer, tokens: Int[Tensor, "sample 3"]
) -> Float[Tensor, "sample class"]:
    """Logits at the last position, with causal softmax attention over the whole sequence, from `model`'s parameters."""
    residual, _ = _full_sequence(model, tokens)
    return (_layer_norm(residual, getattr(model, "norm", None)) @ model.head.weight.T)[:, -1]


def full_sequence_neurons(
    model: Transformer | DeepTransformer, tokens: Int[Tensor, "sample 3"]
) -> Float[Tensor, "sample neuron"]:
    """Hidden activations of the last MLP at the last position."""
    return _full_sequence(model, tokens)[1][:, -1]


def _full_sequence(model, tokens):
    if hasattr(model, "embedding"):
        embedded = model.embedding[tokens]
    else:
        rows = [*model.head.weight, model.equals_embedding[0]]
        embedded = torch.stack([torch.stack([rows[token] for token in sample]) for sample in tokens.tolist()])
    residual = embedded + model.positions  # (sample, position, d_model)
    for layer in getattr(model, "layers", [model]):
        read = _layer_norm(residual, getattr(layer, "attention_norm", None))
        head_outputs = []
        weights = (weight.chunk(model.num_heads) for weight in (layer.query, layer.key, layer.value))
        for query, key, value in zip(*weights, strict=True):
            q, k, v = read @ query.T, read @ key.T, read @ value.T
            scores = q @ k.transpose(1, 2) / q.shape[-1] ** 0.5
            future = torch.ones(scores.shape[-2:], dtype=torch.bool).triu(diagonal=1)
            attention = torch.softmax(scores.masked_fill(future, float("-inf")), dim=-1)
            head_outputs.append(attention @ v)
        residual = residual + torch.cat(head_outputs, dim=-1) @ layer.attention_out.T
        read = _layer_norm(residual, getattr(layer, "mlp_norm", None))
        hidden = torch.clamp(read @ layer.mlp_in.T + layer.mlp_in_bias, min=0)
        residual = residual + hidden @ layer.mlp_out.T + layer.mlp_out_bias
    return residual, hidden


def _layer_norm(x, norm):
    if not isinstance(norm, nn.LayerNorm):
        return x
    centred = x - x.mean(dim=-1, keepdim=True)
    variance = centred.square().mean(dim=-1, keepdim=True)
    return centred / (variance + 1e-5).sqrt() * norm.weight + norm.bias
