"""The network at one step, as the probes see it."""

from collections.abc import Mapping

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Int, Shaped
from torch import Tensor, nn

from grok.information import ClassMoments
from grok.models import Classifier, TokenClassifier
from grok.tasks import Split
from grok.training.loss import IGNORED, Criterion


class Samples(nn.Module):
    """Inputs and targets of a split, as buffers of a module, so that those of many members can be stacked."""

    inputs: Shaped[Tensor, "sample *shape"]
    targets: Int[Tensor, "sample"]

    def __init__(self, inputs: Shaped[Tensor, "sample *shape"], targets: Int[Tensor, "sample"]) -> None:
        super().__init__()
        self.count = len(targets)
        self.register_buffer("inputs", inputs)
        self.register_buffer("targets", targets)

    def pad(self, size: int) -> None:
        """Append samples that count for nothing, up to `size` in all: their target is `IGNORED`."""
        inputs, targets = self.inputs[: self.count], self.targets[: self.count]
        missing = size - self.count
        self.inputs = torch.cat([inputs, inputs[:1].expand(missing, *inputs.shape[1:])])
        self.targets = F.pad(targets, (0, missing), value=IGNORED)


class Snapshot:
    """Features, logits, loss and moments of a split at one step, each computed when first asked for and then kept.

    The training step hands over what it has computed on the training set, so measuring there costs no second pass.
    """

    def __init__(
        self,
        *,
        model: Classifier,
        samples: Mapping[Split, Samples],
        train_features: Float[Tensor, "train dim"],
        train_logits: Float[Tensor, "train class"],
        train_loss: Float[Tensor, ""],
        criterion: Criterion,
    ) -> None:
        self.model = model
        self.criterion = criterion
        self._samples = samples
        self._features = {"train": train_features.detach()}
        self._logits = {"train": train_logits.detach()}
        self._loss = {"train": train_loss.detach()}
        self._neurons: dict[Split, Float[Tensor, "split neuron"]] = {}
        self._moments: dict[Split, ClassMoments] = {}

    def targets(self, split: Split) -> Int[Tensor, "split"]:
        """Class indices of the split's samples; `IGNORED` for those that only pad it."""
        return self._samples[split].targets

    def counted(self, split: Split) -> Bool[Tensor, "split"]:
        """Which samples are real."""
        return self.targets(split) != IGNORED

    @torch.no_grad()
    def features(self, split: Split) -> Float[Tensor, "split dim"]:
        """Representations of the split's samples."""
        if split not in self._features:
            self._features[split] = self.model.features(self._samples[split].inputs)
        return self._features[split]

    @torch.no_grad()
    def logits(self, split: Split) -> Float[Tensor, "split class"]:
        """Logits of the split's samples."""
        if split not in self._logits:
            self._logits[split] = self.model.head(self.features(split))
        return self._logits[split]

    @torch.no_grad()
    def loss(self, split: Split) -> Float[Tensor, ""]:
        """Mean training loss of the split, in nats."""
        if split not in self._loss:
            self._loss[split] = self.criterion(self.logits(split), self.targets(split))
        return self._loss[split]

    @torch.no_grad()
    def neurons(self, split: Split) -> Float[Tensor, "split neuron"]:
        """Activations of the MLP's neurons on the split's samples."""
        if split not in self._neurons:
            assert isinstance(self.model, TokenClassifier)
            self._neurons[split] = self.model.neurons(self._samples[split].inputs)
        return self._neurons[split]

    @torch.no_grad()
    def moments(self, split: Split) -> ClassMoments:
        """Counts, means and scatter of the classes of the split, in float64."""
        if split not in self._moments:
            features, targets = self.features(split), self.targets(split)
            num_classes = self.model.head.weight.shape[0]
            self._moments[split] = ClassMoments.of_samples(features, targets, num_classes=num_classes)
        return self._moments[split]
