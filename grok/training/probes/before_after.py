"""The pairing of one network's features with those it had before."""

import torch
from torch import Tensor

from grok.config import Schedule
from grok.tasks import Task
from grok.training.probes.interplay import interplay_columns, sample_order
from grok.training.probes.probe import SPLITS, Metrics, Observation, Probe
from grok.training.snapshot import Snapshot


class BeforeAfter(Probe):
    """Pairing `before-after`: n samples' representations at an earlier step with those they have now.

    The samples are those of the pairing `sample`.
    """

    name = "before_after"

    def __init__(self, schedule: Schedule, task: Task, *, size: int, seed: int, dim: int) -> None:
        """Of features of this dimension; until `remember` is called there is nothing to measure."""
        super().__init__(schedule)
        for split in SPLITS:
            chosen = sample_order(task, split, seed)[:size].clone()
            self.register_buffer(f"{split}_chosen", chosen)
            self.register_buffer(f"{split}_before", torch.zeros(len(chosen), dim, device=chosen.device))

    def remember(self, snapshot: Snapshot) -> None:
        """Take the features of this network as those from before."""
        for split in SPLITS:
            chosen = self.get_buffer(f"{split}_chosen")
            self.get_buffer(f"{split}_before").copy_(snapshot.features(split)[chosen])

    def remembered(self) -> dict[str, Tensor]:
        """What it remembers, the tensors themselves by name."""
        return {f"{split}_before": self.get_buffer(f"{split}_before") for split in SPLITS}

    def observe(self, snapshot: Snapshot) -> Observation:
        """The chosen samples' features, before and now."""
        observed: Observation = {}
        for split in SPLITS:
            observed[f"{split}/before"] = self.get_buffer(f"{split}_before").clone()
            observed[f"{split}/after"] = snapshot.features(split)[self.get_buffer(f"{split}_chosen")]
        return observed

    def evaluate(self, observed: Observation) -> Metrics:
        """Columns `interplay/before-after/<split>/<value>`."""
        metrics: Metrics = {}
        for split in SPLITS:
            before, after = observed[f"{split}/before"], observed[f"{split}/after"]
            metrics |= interplay_columns(f"interplay/before-after/{split}", before, after)
        return metrics
