"""The forward and backward pass of the one-layer transformer, written out, in memory that is kept."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from grok.models.gradients import Chunk, Gradients, Loss, Pass

if TYPE_CHECKING:
    from grok.models.transformer import Transformer


class TransformerPass(Pass):
    """The pass of a `Transformer`, equal to the one by autograd up to rounding, and faster.

    Autograd allocates every result anew. Here, large results are written into memory that is kept from chunk to chunk.
    The ReLU and its mask act in place, and a gradient may take the memory of a value that is not needed any more.

    A name that begins with `of_` is the gradient of the loss with respect to the tensor of that name. All memory is on
    the CPU.

    The common tensors are the table of attention scores and values, and the part of the residual stream that is the
    same for all samples (see `Transformer`).
    """

    def __init__(self, model: "Transformer") -> None:
        self.parameters = [
            model.attention_out,
            model.mlp_in,
            model.mlp_in_bias,
            model.mlp_out,
            model.mlp_out_bias,
            model.head.weight,
        ]
        self._heads = model.num_heads
        self._memory: dict[str, Tensor] = {}

    @torch.no_grad()
    def __call__(self, chunk: Chunk, common: Sequence[Tensor], loss: Loss) -> Gradients:
        """Compute features and logits into the memory of the chunk, and return the loss with its gradients."""
        table, constant = common
        attention_out, mlp_in, mlp_in_bias, mlp_out, mlp_out_bias, head = self.parameters
        count, heads = len(chunk.inputs), self._heads
        d_model, d_mlp = mlp_out.shape

        # Attention of `=` to a, b and itself, whose score and value relative to itself are 0
        rows = torch.arange(2)[:, None] * (len(table) // 2) + chunk.inputs[:, :2].T
        looked_up = self._keep("looked_up", 2 * count, table.shape[1])
        torch.index_select(table, 0, rows.flatten(), out=looked_up)
        scores, values = self._parts(looked_up)
        attention = F.pad(scores, (0, 0, 0, 0, 0, 1)).softmax(dim=0)[:2, ..., None]  # (position, sample, head, 1)
        mixed = self._keep("mixed", count, attention_out.shape[1])
        by_head = mixed.unflatten(1, (heads, -1))
        torch.mul(values[0], attention[0], out=by_head).addcmul_(values[1], attention[1])

        # MLP and head
        residual = torch.addmm(constant, mixed, attention_out.mT, out=self._keep("residual", count, d_model))
        neurons = torch.addmm(mlp_in_bias, residual, mlp_in.mT, out=self._keep("neurons", count, d_mlp)).relu_()
        features = torch.addmm(residual, neurons, mlp_out.mT, out=chunk.features).add_(mlp_out_bias)
        into = self._keep("logits", count, len(head)) if chunk.logits is None else chunk.logits
        logits = torch.mm(features, head.mT, out=into).detach()

        # Backward through the loss, the head and the MLP
        with torch.enable_grad():
            value = loss(logits.requires_grad_(), chunk.targets)
            (of_logits,) = torch.autograd.grad(value, logits)
        of_head = of_logits.mT @ features
        of_features = torch.mm(of_logits, head, out=self._keep("of_features", count, d_model))
        of_mlp_out, of_mlp_out_bias = of_features.mT @ neurons, of_features.sum(dim=0)
        of_neurons = torch.mm(of_features, mlp_out, out=self._keep("of_neurons", count, d_mlp))
        torch.ops.aten.threshold_backward.grad_input(of_neurons, neurons, 0, grad_input=of_neurons)
        of_mlp_in, of_mlp_in_bias = of_neurons.mT @ residual, of_neurons.sum(dim=0)

        # Backward through the attention
        of_residual = of_features.addmm_(of_neurons, mlp_in)
        of_attention_out = of_residual.mT @ mixed
        of_mixed = torch.mm(of_residual, attention_out, out=self._keep("of_mixed", count, mixed.shape[1]))
        of_by_head = of_mixed.unflatten(1, (heads, -1))
        of_looked_up = self._keep("of_looked_up", 2 * count, table.shape[1])
        of_scores, of_values = self._parts(of_looked_up)
        # of_values first holds the products of which of_attention is the sum
        of_attention = torch.mul(values, of_by_head, out=of_values).sum(dim=-1, keepdim=True)
        of_softmax = of_attention - (attention * of_attention).sum(dim=0)
        torch.mul(attention, of_softmax, out=of_scores[..., None])
        torch.mul(attention, of_by_head, out=of_values)
        of_table = torch.zeros_like(table).index_add_(0, rows.flatten(), of_looked_up)

        return Gradients(
            value.detach(),
            [of_table, of_residual.sum(dim=0)],
            [of_attention_out, of_mlp_in, of_mlp_in_bias, of_mlp_out, of_mlp_out_bias, of_head],
        )

    def _keep(self, name: str, *shape: int) -> Tensor:
        """Return memory of this shape, the same at each call unless a larger shape is needed."""
        size = torch.Size(shape).numel()
        if name not in self._memory or self._memory[name].numel() < size:
            self._memory[name] = torch.empty(size, dtype=self.parameters[0].dtype)
        return self._memory[name][:size].view(shape)

    def _parts(
        self, looked_up: Float[Tensor, "rows width"]
    ) -> tuple[Float[Tensor, "position sample head"], Float[Tensor, "position sample head dim"]]:
        """Return the scores and the values of looked-up rows, as views."""
        by_position = looked_up.unflatten(0, (2, -1))
        scores, values = by_position.tensor_split([self._heads], dim=-1)
        return scores, values.unflatten(-1, (self._heads, -1))
