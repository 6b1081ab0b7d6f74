"""One network with its data and its probes: everything that a step reads."""

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn

from grok.models import Classifier
from grok.tasks import Split, Task
from grok.training.loss import Criterion
from grok.training.probes import SPLITS, Probe
from grok.training.ring import Observed
from grok.training.snapshot import Samples, Snapshot


class Learner(nn.Module):
    """The forward half of a step: the loss, and what the probes that are due observe.

    All tensors that it reads are parameters or buffers, so that many learners stack into one (`stack.py`).
    """

    model: Classifier

    def __init__(self, *, task: Task, model: Classifier, probes: Sequence[Probe], criterion: Criterion) -> None:
        super().__init__()
        self.model = model
        self.criterion = criterion
        self._probes = nn.ModuleDict({probe.name: probe for probe in probes})
        self._samples = nn.ModuleDict()
        for split in SPLITS:
            indices = task.indices(split)
            self._samples[f"{split}_split"] = Samples(task.inputs[indices], task.targets[indices])

    @property
    def device(self) -> torch.device:
        """Where its tensors are."""
        return self.model.head.weight.device

    @property
    def probes(self) -> dict[str, Probe]:
        """The probes by name."""
        return {name: probe for name, probe in self._probes.items() if isinstance(probe, Probe)}

    def samples(self, split: Split) -> Samples:
        """Inputs and targets of a split."""
        samples = self._samples[f"{split}_split"]  # nn.Module has a method called train
        assert isinstance(samples, Samples)
        return samples

    def pad(self, split: Split, size: int) -> None:
        """Bring a split to `size` samples; those appended count for nothing."""
        if size == len(self.samples(split).targets):
            return
        self.samples(split).pad(size)
        for probe in self.probes.values():
            probe.pad(split, size)

    def forward(self, due: Sequence[str]) -> tuple[Float[Tensor, ""], Observed]:
        """Training loss of the full batch, and what the probes named in `due` observe."""
        train = self.samples("train")
        features = self.model.features(train.inputs)
        logits = self.model.head(features)
        loss = self.criterion(logits, train.targets)
        return loss, self.observe(due, features, logits, loss)

    @torch.no_grad()
    def observe(
        self,
        due: Sequence[str],
        features: Float[Tensor, "train dim"],
        logits: Float[Tensor, "train class"],
        loss: Float[Tensor, ""],
    ) -> Observed:
        """What the probes named in `due` observe, given what a step has computed on the training split."""
        snapshot = Snapshot(
            model=self.model,
            samples={split: self.samples(split) for split in SPLITS},
            train_features=features,
            train_logits=logits,
            train_loss=loss,
            criterion=self.criterion,
        )
        return {name: self.probes[name].observe(snapshot) for name in due}
