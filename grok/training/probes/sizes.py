"""The `sample` pairing by number of samples, which changes MIR more than training does."""

import torch
from jaxtyping import Float, Int
from torch import Tensor

from grok.columns import interplay
from grok.config import Schedule
from grok.information import Interplay, estimate_interplay
from grok.tasks import Task
from grok.training.probes.interplay import interplay_columns, sample_order
from grok.training.probes.probe import Metrics, Observation, Probe, Subject
from grok.training.snapshot import Snapshot

SMALLEST = 64
EXACT = 1024
"""Largest number of samples for which the Gram matrices are computed exactly."""

STANDARD_ERROR = "mir_standard_error"


class SampleSizes(Probe):
    """Pairing `sample` on n = 64, 128, 256 and so on test samples, and on the whole test split.

    The samples are nested: they are the first n in the order of the `sample` probe. The two probes agree at
    n = `probes.sample_size`. Above 1,024 samples, `estimate_interplay` gives the values, with the standard error of
    MIR. The sizes depend on the test split, so the members of a stack need test splits of equal size.
    """

    name = "sample_sizes"
    per_member = ("order",)

    def __init__(self, schedule: Schedule, task: Task, *, seed: int) -> None:
        super().__init__(schedule)
        order = sample_order(task, "test", seed)
        self._sizes = {"all": len(order)}
        size = SMALLEST
        while size < len(order):
            self._sizes[str(size)] = size
            size *= 2
        self.register_buffer("order", order)

    @classmethod
    def make(cls, schedule: Schedule, subject: Subject) -> Probe:
        """Return the probe for the test split, in the order that the seed determines."""
        return cls(schedule, subject.task, seed=subject.seed)

    def observe(self, snapshot: Snapshot) -> Observation:
        """Return the head rows, and the features and labels of the test split in the order of the samples."""
        order = self.get_buffer("order")
        return {
            "features": snapshot.features("test")[order],
            "labels": snapshot.targets("test")[order],
            "head": snapshot.model.head.weight,
        }

    def evaluate(self, observed: Observation) -> Metrics:
        """Return the columns `interplay/sample-<n>/test/<value>`, for n = 64, 128 and so on, and `all`.

        Where n is above 1,024, there is also the column `interplay/sample-<n>/test/mir_standard_error`.
        """
        metrics: Metrics = {}
        for name, size in self._sizes.items():
            features, labels = observed["features"][..., :size, :], observed["labels"][..., :size]
            prefix = interplay(f"sample-{name}", "test")
            if size <= EXACT:
                head_rows = observed["head"].take_along_dim(labels[..., None], dim=-2)
                metrics |= interplay_columns(prefix, features, head_rows)
            else:
                metrics |= _estimated_columns(prefix, features, observed["head"], labels)
        return metrics


def _estimated_columns(
    prefix: str,
    features: Float[Tensor, "*batch n dim"],
    head: Float[Tensor, "*batch class dim"],
    labels: Int[Tensor, "*batch n"],
) -> Metrics:
    batch = labels.shape[:-1]
    columns = [
        _estimated(*one)
        for one in zip(
            features.double().reshape(-1, *features.shape[-2:]),
            head.double().reshape(-1, *head.shape[-2:]),
            labels.reshape(-1, labels.shape[-1]),
            strict=True,
        )
    ]
    return {f"{prefix}/{name}": torch.stack([one[name] for one in columns]).reshape(batch) for name in columns[0]}


def _estimated(
    features: Float[Tensor, "n dim"], head: Float[Tensor, "class dim"], labels: Int[Tensor, "n"]
) -> dict[str, Float[Tensor, ""]]:
    """Return the values by name; they are NaN if a vector is zero, since it has no direction."""
    if not (features.any(dim=-1).all() and head.any(dim=-1)[labels].all()):
        return dict.fromkeys((*Interplay._fields, STANDARD_ERROR), features.new_tensor(torch.nan))
    estimate = estimate_interplay(features, head, labels)
    return estimate.value._asdict() | {STANDARD_ERROR: estimate.standard_error.mir}
