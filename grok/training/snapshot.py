"""The network at one step, in the form that probes read."""

from collections.abc import Mapping
from typing import ClassVar, NamedTuple

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Int, Shaped
from torch import Tensor, nn

from grok.information import ClassMoments
from grok.models import Classifier, TokenClassifier
from grok.tasks import Split
from grok.training.loss import IGNORED, Criterion
from grok.training.workers import side_by_side


class Samples(nn.Module):
    """Inputs and targets of a split as buffers of a module, so that the samples of many members can be stacked."""

    per_member: ClassVar = ("count",)

    inputs: Shaped[Tensor, "sample *shape"]
    targets: Int[Tensor, "sample"]

    def __init__(self, inputs: Shaped[Tensor, "sample *shape"], targets: Int[Tensor, "sample"]) -> None:
        super().__init__()
        self.count = len(targets)
        self.register_buffer("inputs", inputs)
        self.register_buffer("targets", targets)

    def pad(self, size: int) -> None:
        """Pad the split to `size` samples; the target of the appended samples is `IGNORED`."""
        inputs, targets = self.inputs[: self.count], self.targets[: self.count]
        missing = size - self.count
        self.inputs = torch.cat([inputs, inputs[:1].expand(missing, *inputs.shape[1:])])
        self.targets = F.pad(targets, (0, missing), value=IGNORED)


class Known(NamedTuple):
    """Results of a training pass on a split."""

    features: Float[Tensor, "split dim"]
    logits: Float[Tensor, "split class"]
    loss: Float[Tensor, ""]


class Snapshot:
    """Features, logits, loss and moments of the splits at one step, each computed on first use and then kept.

    A step on all training samples passes on its results, so that their measurement needs no second pass.
    """

    def __init__(
        self,
        *,
        model: Classifier,
        samples: Mapping[Split, Samples],
        known: Mapping[Split, Known],
        criterion: Criterion,
        objective: Mapping[str, Tensor] | None = None,
        at_once: int | None = None,
    ) -> None:
        """Make the snapshot of a network on these samples, with at most `at_once` samples per pass.

        `objective` holds, by column, the values that the objective reports about the last update.
        """
        self.model = model
        self.criterion = criterion
        self.objective = objective or {}
        self._samples = samples
        self._at_once = at_once
        self._features = {split: each.features.detach() for split, each in known.items()}
        self._logits = {split: each.logits.detach() for split, each in known.items()}
        self._loss = {split: each.loss.detach() for split, each in known.items()}
        self._neurons: dict[Split, Float[Tensor, "split neuron"]] = {}
        self._moments: dict[Split, ClassMoments] = {}

    def targets(self, split: Split) -> Int[Tensor, "split"]:
        """Return the class indices of the samples of a split; padding has `IGNORED`."""
        return self._samples[split].targets

    def counted(self, split: Split) -> Bool[Tensor, "split"]:
        """Return which samples are real and not padding."""
        return self.targets(split) != IGNORED

    @torch.no_grad()
    def features(self, split: Split) -> Float[Tensor, "split dim"]:
        """Return the features of the samples of a split."""
        if split not in self._features:
            inputs = self._samples[split].inputs
            parts = inputs.split(self._at_once) if self._at_once else [inputs]
            features = list(side_by_side(torch.no_grad()(self.model.features), parts))
            self._features[split] = features[0] if len(features) == 1 else torch.cat(features)
        return self._features[split]

    @torch.no_grad()
    def logits(self, split: Split) -> Float[Tensor, "split class"]:
        """Return the logits of the samples of a split."""
        if split not in self._logits:
            self._logits[split] = self.model.head(self.features(split))
        return self._logits[split]

    @torch.no_grad()
    def loss(self, split: Split) -> Float[Tensor, ""]:
        """Return the mean training loss of a split, in nats."""
        if split not in self._loss:
            self._loss[split] = self.criterion(self.logits(split), self.targets(split))
        return self._loss[split]

    @torch.no_grad()
    def neurons(self, split: Split) -> Float[Tensor, "split neuron"]:
        """Return the activations of the MLP's neurons on the samples of a split."""
        if split not in self._neurons:
            assert isinstance(self.model, TokenClassifier)
            self._neurons[split] = self.model.neurons(self._samples[split].inputs)
        return self._neurons[split]

    @torch.no_grad()
    def moments(self, split: Split) -> ClassMoments:
        """Return the counts, means and scatter of the classes of a split, in float64."""
        if split not in self._moments:
            features, targets = self.features(split), self.targets(split)
            num_classes = self.model.head.weight.shape[0]
            self._moments[split] = ClassMoments.of_samples(features, targets, num_classes=num_classes)
        return self._moments[split]
