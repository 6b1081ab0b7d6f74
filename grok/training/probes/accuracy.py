"""Loss and accuracy."""

from grok.training.probes.probe import SPLITS, Metrics, Observation, Probe
from grok.training.snapshot import Snapshot


class Accuracy(Probe):
    """Mean training loss (nats) and accuracy (fraction) on train and test."""

    name = "accuracy"

    def observe(self, snapshot: Snapshot) -> Observation:
        """Columns `train/loss`, `train/accuracy`, `test/loss`, `test/accuracy`."""
        observed: Observation = {}
        for split in SPLITS:
            correct = snapshot.logits(split).argmax(dim=-1) == snapshot.targets(split)
            observed[f"{split}/loss"] = snapshot.loss(split).double()
            observed[f"{split}/accuracy"] = correct.sum().double() / snapshot.counted(split).sum()
        return observed

    def evaluate(self, observed: Observation) -> Metrics:
        """As observed."""
        return observed
