"""The network at one step, in the form that probes read."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import ClassVar, NamedTuple, TypeVar

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Int, Shaped
from torch import Tensor, nn

from grok.information import ClassMoments
from grok.models import Classifier, TokenClassifier
from grok.tasks import Split
from grok.training.loss import IGNORED, Criterion
from grok.training.workers import side_by_side

MOST_LOGITS = 2**24  # that are kept as a whole: 64 MiB in float32

Result = TypeVar("Result")


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
    logits: Float[Tensor, "split class"] | None
    """None if they are too many to keep."""
    loss: Float[Tensor, ""]


class Part(NamedTuple):
    """Consecutive samples of a split."""

    features: Float[Tensor, "part dim"]
    logits: Float[Tensor, "part class"]
    targets: Int[Tensor, "part"]


def keeps_logits(samples: int, num_classes: int) -> bool:
    """Return whether the logits of so many samples are few enough to be kept as a whole."""
    return samples * num_classes <= MOST_LOGITS


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
        part: int | None = None,
        neurons: bool = False,
    ) -> None:
        """Make the snapshot of a network on these samples, with at most `at_once` samples per pass.

        What is computed from features and logits is computed in parts of at most `part` samples, side by side. Without
        it, parts are as large as their logits may be. With `neurons`, the pass for the features of a split keeps the
        neurons too. `objective` holds, by column, the values that the objective
        reports about the last update.
        """
        self.model = model
        self.criterion = criterion
        self.objective = objective or {}
        self._samples = samples
        self._at_once = at_once or part
        self._part = part or max(1, MOST_LOGITS // model.head.weight.shape[0])
        self._keeps_neurons = neurons
        self._features = {split: each.features.detach() for split, each in known.items()}
        self._logits = {split: each.logits.detach() for split, each in known.items() if each.logits is not None}
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
            if self._keeps_neurons and isinstance(self.model, TokenClassifier):
                parts = zip(*self._passed(split, self.model.features_and_neurons), strict=True)
                self._features[split], self._neurons[split] = map(_whole, parts)
            else:
                self._features[split] = _whole(self._passed(split, self.model.features))
        return self._features[split]

    def _passed(self, split: Split, function: Callable[[Tensor], Result]) -> Iterator[Result]:
        """Yield what a function gives for the inputs of a split, with at most `at_once` samples per call."""
        inputs = self._samples[split].inputs
        return side_by_side(function, inputs.split(self._at_once or len(inputs)))

    @torch.no_grad()
    def logits(self, split: Split) -> Float[Tensor, "split class"]:
        """Return the logits of the samples of a split; where these may be very many, use `by_sample`."""
        if split not in self._logits:
            self._logits[split] = _whole(side_by_side(self.model.head, self.features(split).split(self._part)))
        return self._logits[split]

    def by_sample(self, split: Split, function: Callable[[Part], Shaped[Tensor, "part ..."]]) -> Tensor:
        """Return what a function gives for each sample of a split.

        It is called with parts of the split, which several threads may compute at the same time.
        """
        return _whole(self._by_part(split, function))

    def mean_loss(
        self,
        split: Split,
        criterion: Criterion,
        changed: Callable[[Tensor, Tensor], tuple[Tensor, Tensor]] = lambda logits, targets: (logits, targets),
    ) -> Float[Tensor, ""]:
        """Return the mean of a criterion over a split, after a change of logits and targets.

        The mean over the whole split is that of the parts, weighted by their numbers of targets other than `IGNORED`.
        """

        def of_part(part: Part) -> tuple[Tensor, Tensor]:
            logits, targets = changed(part.logits, part.targets)
            return criterion(logits, targets), (targets != IGNORED).sum()

        losses, counts = (torch.stack(each) for each in zip(*self._by_part(split, of_part), strict=True))
        if len(losses) == 1:
            return losses[0]
        return torch.where(counts > 0, losses * counts, 0.0).sum() / counts.sum()

    @torch.no_grad()
    def _by_part(self, split: Split, function: Callable[[Part], Result]) -> list[Result]:
        """Return what a function gives for each part of a split."""
        features, targets = self.features(split), self.targets(split)
        if keeps_logits(len(targets), self.model.head.weight.shape[0]):
            logits = self.logits(split).split(self._part)
        else:
            logits = [None] * -(-len(targets) // self._part)

        def of_part(part: tuple[Tensor, Tensor | None, Tensor]) -> Result:
            features, logits, targets = part
            return function(Part(features, self.model.head(features) if logits is None else logits, targets))

        parts = list(zip(features.split(self._part), logits, targets.split(self._part), strict=True))
        return list(side_by_side(of_part, parts))

    def loss(self, split: Split) -> Float[Tensor, ""]:
        """Return the mean training loss of a split, in nats."""
        if split not in self._loss:
            self._loss[split] = self.mean_loss(split, self.criterion)
        return self._loss[split]

    @torch.no_grad()
    def neurons(self, split: Split) -> Float[Tensor, "split neuron"]:
        """Return the activations of the MLP's neurons on the samples of a split."""
        if split not in self._neurons:
            assert isinstance(self.model, TokenClassifier)
            self._neurons[split] = _whole(self._passed(split, self.model.neurons))
        return self._neurons[split]

    @torch.no_grad()
    def moments(self, split: Split) -> ClassMoments:
        """Return the counts, means and scatter of the classes of a split, in float64."""
        if split not in self._moments:
            num_classes = self.model.head.weight.shape[0]
            parts = zip(self.features(split).split(self._part), self.targets(split).split(self._part), strict=True)
            first, *others = side_by_side(
                lambda part: ClassMoments.of_samples(*part, num_classes=num_classes), list(parts)
            )
            for other in others:
                first.merge(other)
            self._moments[split] = first
        return self._moments[split]


def _whole(parts: Iterable[Tensor]) -> Tensor:
    """Return parts joined along the samples; a single part as it is."""
    first, *others = parts
    return torch.cat([first, *others]) if others else first
