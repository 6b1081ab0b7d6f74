"""The loss on all training samples, computed chunk by chunk, side by side, with its gradients."""

from collections.abc import Iterable, Sequence
from queue import Empty, SimpleQueue
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from grok.models import Classifier
from grok.models.gradients import Chunk, Gradients, Pass
from grok.training.loss import Criterion
from grok.training.snapshot import Known, Samples, keeps_logits
from grok.training.workers import side_by_side

CHUNK_SIZE = 1024  # largest number of samples per chunk, so that what a thread computes from them stays in its cache


class Chunks:
    """The training samples in chunks of nearly equal size, and the loss of a network on all of them.

    The mean loss over all samples is the sum of the mean losses of the chunks, each weighted by its share of the
    samples. The chunks, and the order in which they are summed, depend only on the number of samples. The results are
    therefore the same for any number of threads. Each thread has memory for the activations of one chunk.
    """

    def __init__(self, model: Classifier, train: Samples, criterion: Criterion) -> None:
        """Divide the training samples, which are not padded, into chunks."""
        self._model, self._criterion, self._train = model, criterion, train
        num_classes, dim = model.head.weight.shape
        self._features = model.head.weight.new_empty(train.count, dim)
        self._logits = None
        if keeps_logits(train.count, num_classes):
            self._logits = model.head.weight.new_empty(train.count, num_classes)
        self._passes: SimpleQueue[Pass] = SimpleQueue()  # those that no thread uses now
        first = model.make_pass()
        self._direct = first.parameters
        self._passes.put(first)

    @torch.enable_grad()
    def __call__(self) -> Known:
        """Return features, logits and loss of all samples; the loss is connected to the trained parameters.

        The next call overwrites features and logits.
        """
        common = self._model.common()
        gradients = self._compute([tensor.detach() for tensor in common])
        parameters = [parameter for parameter in self._model.parameters() if parameter.requires_grad]
        of_parameters = dict(zip(self._direct, gradients.parameters, strict=True))
        if common:
            through = torch.autograd.grad(common, parameters, gradients.common, allow_unused=True)
            for parameter, gradient in zip(parameters, through, strict=True):
                if gradient is not None:
                    own = of_parameters.get(parameter)
                    of_parameters[parameter] = gradient if own is None else own + gradient
        loss = _Connected.apply(gradients.loss, [of_parameters[parameter] for parameter in parameters], *parameters)
        return Known(self._features, self._logits, loss)

    def _compute(self, common: Sequence[Tensor]) -> Gradients:
        """Return the loss of all samples and its gradients."""
        count = num_chunks(self._train.count)
        inputs, targets, features = (
            tensor.tensor_split(count) for tensor in (self._train.inputs, self._train.targets, self._features)
        )
        # Views would share the count of changes by which autograd notices that a value it needs has been overwritten
        logits = [None] * count if self._logits is None else [part.data for part in self._logits.tensor_split(count)]
        chunks = [Chunk(*parts) for parts in zip(inputs, targets, features, logits, strict=True)]

        def compute(chunk: Chunk) -> Gradients:
            try:
                one_pass = self._passes.get_nowait()
            except Empty:
                one_pass = self._model.make_pass()
            share = len(chunk.targets) / self._train.count
            gradients = one_pass(chunk, common, lambda logits, targets: self._criterion(logits, targets) * share)
            self._passes.put(one_pass)
            return gradients

        return _sum(side_by_side(compute, chunks))


def num_chunks(samples: int) -> int:
    """Return into how many chunks so many samples are divided, on every machine."""
    return -(-samples // CHUNK_SIZE)


def _sum(chunks: Iterable[Gradients]) -> Gradients:
    """Return the sum of the losses and gradients, in order.

    Sums are new tensors, since autograd may return one tensor as the gradient of two parameters.
    """
    total, *others = chunks
    for each in others:
        total = Gradients(
            total.loss + each.loss,
            [one + other for one, other in zip(total.common, each.common, strict=True)],
            [one + other for one, other in zip(total.parameters, each.parameters, strict=True)],
        )
    return total


class _Connected(torch.autograd.Function):
    """A loss whose gradients are known already."""

    @staticmethod
    def forward(ctx: Any, loss: Float[Tensor, ""], gradients: Sequence[Tensor], *parameters: Tensor) -> Tensor:
        """Return the loss."""
        ctx.gradients = gradients
        return loss.clone()

    @staticmethod
    def backward(ctx: Any, of_loss: Float[Tensor, ""]) -> tuple[Tensor | None, ...]:
        """Return the gradients, scaled by the gradient with respect to the loss."""
        return None, None, *(gradient * of_loss.to(gradient.dtype) for gradient in ctx.gradients)
