"""Learners that take their steps together: each tensor gets a leading member dimension, each product is batched."""

import copy
from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor
from torch.func import functional_call, stack_module_state, vmap

from grok.training.learner import Learner
from grok.training.probes import SPLITS
from grok.training.ring import Observed


def release(learner: Learner) -> None:
    """Give a learner that leaves its stack memory of its own, so that it does not keep the whole stack's."""
    for parameter in learner.parameters():
        parameter.grad = None
    for tensor in (*learner.parameters(), *learner.buffers()):
        tensor.data = tensor.data.clone()


class Stack:
    """M learners of one shape as one batched model, with the results of each alone but for rounding.

    Splits of different sizes are padded to the largest. The learners' own parameters become views of the stacked ones,
    so a learner can still be used, and its state read and written, by itself. One learner alone is not stacked.
    """

    def __init__(self, learners: Sequence[Learner]) -> None:
        self._learners = list(learners)
        for split in SPLITS:
            size = max(learner.samples(split).count for learner in learners)
            for learner in learners:
                learner.pad(split, size)
        if len(learners) == 1:
            self.parameters: list[Tensor] = list(learners[0].parameters())
            return
        self._parameters, self._buffers = stack_module_state(self._learners)
        self.parameters = list(self._parameters.values())
        for index, learner in enumerate(learners):
            for name, parameter in learner.named_parameters():
                parameter.data = self._parameters[name].data[index]
            for name, buffer in learner.named_buffers():
                buffer.data = self._buffers[name][index]
        self._structure = copy.deepcopy(learners[0]).to("meta")  # what is computed, not on what

    def __call__(self, due: Sequence[str], *, last: bool = False) -> tuple[Float[Tensor, "member"], Observed]:
        """The members' losses and what their probes observe, each with a leading member dimension; as `Learner`."""
        if len(self._learners) == 1:
            loss, observed = self._learners[0](due, last=last)
            return loss[None], {
                probe: {name: tensor[None] for name, tensor in observation.items()}
                for probe, observation in observed.items()
            }

        def member(parameters: dict[str, Tensor], buffers: dict[str, Tensor]) -> tuple[Tensor, Observed]:
            return functional_call(self._structure, (parameters, buffers), (due,), {"last": last})

        return vmap(member)(self._parameters, self._buffers)

    def hand_out(self, gradients: Sequence[Tensor]) -> None:
        """Give each learner its gradients, which are those of `parameters`."""
        for index, learner in enumerate(self._learners):
            for parameter, gradient in zip(learner.parameters(), gradients, strict=True):
                of_learner = gradient if len(self._learners) == 1 else gradient[index]
                parameter.grad = _laid_out_as(parameter, of_learner)


def _laid_out_as(parameter: Tensor, gradient: Tensor) -> Tensor:
    """The gradient in the parameter's own order of memory, in which the fused update reads both."""
    if gradient.stride() == parameter.stride():
        return gradient
    return torch.empty_like(parameter).copy_(gradient)
