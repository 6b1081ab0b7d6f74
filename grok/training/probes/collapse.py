"""Neural collapse: the distance of features and head from a common simplex frame."""

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from grok.columns import collapse
from grok.information import ClassMoments, collapse_of_moments
from grok.tasks import Split, Task
from grok.training.probes.probe import SPLITS, Metrics, Observation, Probe, require_classes
from grok.training.snapshot import Part, Snapshot

MOMENTS = ("counts", "means", "within", "spreads")


class Collapse(Probe):
    """NC1 to NC4 on both splits, as `neural_collapse` defines them.

    The means, head rows and logits of a class count only if the class has a sample in the split. A value is NaN or
    infinite if a vector has no direction, for example if all class means coincide.
    """

    name = "collapse"

    @classmethod
    def check(cls, task: Task) -> None:
        """Reject splits with samples of only one class."""
        require_classes(task)

    def observe(self, snapshot: Snapshot) -> Observation:
        """Return the head rows and, for each split, the moments of its classes and the agreement of NC4."""
        observed: Observation = {"head": snapshot.model.head.weight}
        for split in SPLITS:
            moments = snapshot.moments(split)
            observed |= {f"{split}/{name}": getattr(moments, name) for name in MOMENTS}
            observed[f"{split}/agreement"] = _nearest_centre_agreement(snapshot, split)
        return observed

    def evaluate(self, observed: Observation) -> Metrics:
        """Return the columns `collapse/<split>/<value>`."""
        metrics: Metrics = {}
        for split in SPLITS:
            moments = ClassMoments.of(**{name: observed[f"{split}/{name}"] for name in MOMENTS})
            values = collapse_of_moments(moments, observed["head"], observed[f"{split}/agreement"])
            metrics |= {collapse(split, name): value for name, value in values._asdict().items()}
        return metrics


def _nearest_centre_agreement(snapshot: Snapshot, split: Split) -> Float[Tensor, ""]:
    moments, counted = snapshot.moments(split), snapshot.counted(split)
    means = moments.means - moments.global_mean
    # This is ‖h - μ‖² without ‖h‖². Centring on the global mean avoids cancellation if features have a large offset.
    squared_lengths = torch.where(moments.present, means.square().sum(dim=1), torch.inf)

    def agrees(part: Part) -> Bool[Tensor, "part"]:
        nearest = torch.addmm(squared_lengths, part.features - moments.global_mean, means.mT, alpha=-2).argmin(dim=1)
        return nearest == torch.where(moments.present, part.logits, -torch.inf).argmax(dim=1)

    return (snapshot.by_sample(split, agrees) & counted).sum().double() / counted.sum()
