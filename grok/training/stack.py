"""Learners that train together: each tensor gets a leading member dimension, and each product is batched."""

import copy
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext

import torch
from jaxtyping import Float
from torch import Tensor
from torch.func import functional_call, vmap

from grok.training.learner import Learner
from grok.training.probes import SPLITS
from grok.training.ring import Observed
from grok.training.workers import one_thread_per_operation


def release(learner: Learner) -> None:
    """Copy the tensors of a learner that leaves its stack, so that it does not keep the memory of the whole stack."""
    for parameter in learner.parameters():
        parameter.grad = None
    for tensor in (*learner.parameters(), *learner.buffers()):
        if tensor.untyped_storage().nbytes() > tensor.nbytes:
            tensor.data = tensor.data.clone()


def pad_splits(learners: Sequence[Learner]) -> None:
    """Pad the splits of all learners to the largest, so that their tensors have the same shapes."""
    for split in SPLITS:
        size = max(learner.samples(split).count for learner in learners)
        for learner in learners:
            learner.pad(split, size)


def _buffers(learner: Learner) -> dict[str, Tensor]:
    """Return the buffers by name; a buffer with several names, such as a shared data set, occurs under each."""
    return dict(learner.named_buffers(remove_duplicate=False))


def _shared(learners: Sequence[Learner]) -> set[str]:
    """Return the names of buffers that all learners share, such as a data set; these are not stacked."""
    places = [{name: (buffer.data_ptr(), buffer.shape) for name, buffer in _buffers(each).items()} for each in learners]
    return {name for name, place in places[0].items() if all(others[name] == place for others in places)}


class Stack:
    """M alike learners as one batched model; each gets the results of separate training up to rounding.

    Splits of different sizes are padded to the largest. The parameters of the learners become views of the stacked
    ones, so that a learner can still be used, and its state read and written, on its own. Shared tensors, such as the
    data set, exist once. A single learner is not stacked.
    """

    def __init__(self, learners: Sequence[Learner]) -> None:
        self._learners = list(learners)
        pad_splits(learners)
        for learner in learners:
            learner.divide(alone=len(learners) == 1)
        self.in_chunks = learners[0].objective.in_chunks
        if len(learners) == 1:
            self.parameters: list[Tensor] = learners[0].trained
            return
        shared = _shared(learners)
        self._members = {name: None if name in shared else 0 for name in _buffers(learners[0])}
        self._parameters = {
            name: torch.stack([each.get_parameter(name).detach() for each in learners]).requires_grad_(
                parameter.requires_grad
            )
            for name, parameter in learners[0].named_parameters()
        }
        self._buffers = {
            name: buffer if name in shared else torch.stack([each.get_buffer(name) for each in learners])
            for name, buffer in _buffers(learners[0]).items()
        }
        self.parameters = [parameter for parameter in self._parameters.values() if parameter.requires_grad]
        for index, learner in enumerate(learners):
            for name, parameter in learner.named_parameters():
                parameter.data = self._parameters[name].data[index]
            for name, buffer in _buffers(learner).items():
                if name not in shared:
                    buffer.data = self._buffers[name][index]
        self._structure = copy.deepcopy(learners[0]).to("meta")  # the computation without its tensors

    def __call__(self, due: Sequence[str], *, last: bool = False) -> tuple[Float[Tensor, "member"], Observed]:
        """Return the losses and observations of the members as `Learner` does, with a leading member dimension."""
        if len(self._learners) == 1:
            loss, observed = self._learners[0](due, last=last)
            return loss[None], {
                probe: {name: tensor[None] for name, tensor in observation.items()}
                for probe, observation in observed.items()
            }

        def member(parameters: dict[str, Tensor], buffers: dict[str, Tensor]) -> tuple[Tensor, Observed]:
            return functional_call(self._structure, (parameters, buffers), (due,), {"last": last})

        return vmap(member, in_dims=(0, self._members))(self._parameters, self._buffers)

    def computing(self) -> AbstractContextManager[None]:
        """Return the context in which the stack is computed: one thread for each operation if it is in chunks."""
        return one_thread_per_operation() if self.in_chunks else nullcontext()

    def hand_out(self, gradients: Sequence[Tensor]) -> None:
        """Give each learner its part of the gradients of `parameters`."""
        for index, learner in enumerate(self._learners):
            for parameter, gradient in zip(learner.trained, gradients, strict=True):
                of_learner = gradient if len(self._learners) == 1 else gradient[index]
                parameter.grad = _laid_out_as(parameter, of_learner)


def _laid_out_as(parameter: Tensor, gradient: Tensor) -> Tensor:
    """Return the gradient in the memory order of the parameter, which the fused update requires."""
    if gradient.stride() == parameter.stride():
        return gradient
    return torch.empty_like(parameter).copy_(gradient)
