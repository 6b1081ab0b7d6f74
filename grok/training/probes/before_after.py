"""The pairing of a network's current features with its features at an earlier step."""

import torch
from torch import Tensor

from grok.columns import interplay
from grok.config import Schedule
from grok.tasks import Task
from grok.training.probes.interplay import interplay_columns, sample_order
from grok.training.probes.probe import SPLITS, Metrics, Observation, Probe
from grok.training.snapshot import Snapshot


class BeforeAfter(Probe):
    """Pairing `before-after`: the features of n samples at an earlier step with their current features.

    It uses the same samples as the pairing `sample`.
    """

    name = "before_after"
    per_member = tuple(f"{split}_{what}" for split in SPLITS for what in ("chosen", "before"))

    def __init__(self, schedule: Schedule, task: Task, *, size: int, seed: int, dim: int) -> None:
        """Make the probe for features of dimension `dim`; it needs a call of `remember` before it measures."""
        super().__init__(schedule)
        for split in SPLITS:
            chosen = sample_order(task, split, seed)[:size].clone()
            self.register_buffer(f"{split}_chosen", chosen)
            self.register_buffer(f"{split}_before", torch.zeros(len(chosen), dim, device=chosen.device))

    def remember(self, snapshot: Snapshot) -> None:
        """Store the features of this network as the earlier ones."""
        for split in SPLITS:
            chosen = self.get_buffer(f"{split}_chosen")
            self.get_buffer(f"{split}_before").copy_(snapshot.features(split)[chosen])

    def remembered(self) -> dict[str, Tensor]:
        """Return the stored features by name, as the tensors themselves."""
        return {f"{split}_before": self.get_buffer(f"{split}_before") for split in SPLITS}

    def observe(self, snapshot: Snapshot) -> Observation:
        """Return the earlier and the current features of the chosen samples."""
        observed: Observation = {}
        for split in SPLITS:
            observed[f"{split}/before"] = self.get_buffer(f"{split}_before").clone()
            observed[f"{split}/after"] = snapshot.features(split)[self.get_buffer(f"{split}_chosen")]
        return observed

    def evaluate(self, observed: Observation) -> Metrics:
        """Return the columns `interplay/before-after/<split>/<value>`."""
        metrics: Metrics = {}
        for split in SPLITS:
            before, after = observed[f"{split}/before"], observed[f"{split}/after"]
            metrics |= interplay_columns(interplay("before-after", split), before, after)
        return metrics
