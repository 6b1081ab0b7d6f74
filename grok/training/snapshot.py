"""The network at one step, as the probes see it."""

import torch
from jaxtyping import Float, Int
from torch import Tensor

from grok.models import Classifier
from grok.tasks import Split, Task
from grok.training.loss import cross_entropy


class Snapshot:
    """Features, logits and loss of a split at one step, each computed when first asked for and then kept.

    The training step hands over what it has computed on the training set, so measuring there costs no second pass.
    """

    def __init__(
        self,
        *,
        step: int,
        model: Classifier,
        task: Task,
        train_features: Float[Tensor, "train dim"],
        train_logits: Float[Tensor, "train class"],
        train_loss: Float[Tensor, ""],
        loss_dtype: torch.dtype,
    ) -> None:
        self.step = step
        self.model = model
        self.task = task
        self.loss_dtype = loss_dtype
        self._features = {"train": train_features.detach()}
        self._logits = {"train": train_logits.detach()}
        self._loss = {"train": train_loss.detach()}

    def targets(self, split: Split) -> Int[Tensor, "split"]:
        """Class indices of the split's samples."""
        return self.task.targets[self.task.indices(split)]

    @torch.no_grad()
    def features(self, split: Split) -> Float[Tensor, "split dim"]:
        """Representations of the split's samples."""
        if split not in self._features:
            self._features[split] = self.model.features(self.task.inputs[self.task.indices(split)])
        return self._features[split]

    @torch.no_grad()
    def logits(self, split: Split) -> Float[Tensor, "split class"]:
        """Logits of the split's samples."""
        if split not in self._logits:
            self._logits[split] = self.model.head(self.features(split))
        return self._logits[split]

    @torch.no_grad()
    def loss(self, split: Split) -> Float[Tensor, ""]:
        """Mean cross-entropy of the split, in nats."""
        if split not in self._loss:
            self._loss[split] = cross_entropy(self.logits(split), self.targets(split), self.loss_dtype)
        return self._loss[split]
