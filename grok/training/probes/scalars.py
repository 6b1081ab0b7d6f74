"""Probes of scalars: loss, accuracy, norms, and the values that objectives and phases report."""

from collections.abc import Mapping, Sequence

import torch
from jaxtyping import Float
from torch import Tensor

from grok.columns import WEIGHT_NORM, accuracy, logit_scale, loss
from grok.config import Schedule
from grok.training.draws import fill
from grok.training.probes.probe import SPLITS, Metrics, Observation, Probe
from grok.training.snapshot import Snapshot


class Accuracy(Probe):
    """Mean training loss (nats) and accuracy (fraction) on both splits."""

    name = "accuracy"

    def observe(self, snapshot: Snapshot) -> Observation:
        """Return the columns `train/loss`, `train/accuracy`, `test/loss` and `test/accuracy`."""
        observed: Observation = {}
        for split in SPLITS:
            correct = snapshot.by_sample(split, lambda part: part.logits.argmax(dim=-1) == part.targets)
            observed[loss(split)] = snapshot.loss(split).double()
            observed[accuracy(split)] = correct.sum().double() / snapshot.counted(split).sum()
        return observed

    def evaluate(self, observed: Observation) -> Metrics:
        """Return the observed columns."""
        return observed


class Norms(Probe):
    """Weight norm, and logit scale on both splits."""

    name = "norms"

    def observe(self, snapshot: Snapshot) -> Observation:
        """Return the columns `weight_norm` (L2, all parameters), `train/logit_scale` and `test/logit_scale`.

        The logit scale is the root mean square of the logits after centring over classes, which softmax ignores.
        """
        norms = torch.stack([parameter.detach().double().norm() for parameter in snapshot.model.parameters()])
        observed = {WEIGHT_NORM: norms.norm()}
        for split in SPLITS:
            variances = snapshot.by_sample(split, lambda part: _variances(part.logits)).double()
            counted = snapshot.counted(split)
            observed[logit_scale(split)] = ((variances * counted).sum() / counted.sum()).sqrt()
        return observed

    def evaluate(self, observed: Observation) -> Metrics:
        """Return the observed columns."""
        return observed


def _variances(logits: Float[Tensor, "sample class"]) -> Float[Tensor, "sample"]:
    """Return the variance over classes; two passes take a tenth of the time of `var` on a CPU."""
    return (logits - logits.mean(dim=-1, keepdim=True)).square().mean(dim=-1)


class ObjectiveValues(Probe):
    """Values that the objective reports about the last update, such as the information loss without its weight.

    Before the first update they are NaN, except for counts.
    """

    name = "objective_values"

    def __init__(self, schedule: Schedule, columns: Sequence[str]) -> None:
        """Make the probe for an objective that reports these columns."""
        super().__init__(schedule)
        self._columns = list(columns)

    def observe(self, snapshot: Snapshot) -> Observation:
        """Return the values before the next update."""
        return {column: snapshot.objective[column].double().clone() for column in self._columns}

    def evaluate(self, observed: Observation) -> Metrics:
        """Return the observed columns."""
        return dict(observed)


class PhaseValues(Probe):
    """The values of the phase that a step is in, such as a sparsity."""

    name = "phase_values"
    per_member = ("values",)

    def __init__(self, schedule: Schedule, columns: Sequence[str], device: torch.device) -> None:
        """Make the probe for these columns, for which each phase has a value."""
        super().__init__(schedule)
        self._columns = list(columns)
        self.register_buffer("values", torch.zeros(len(columns), dtype=torch.float64, device=device))

    def show(self, values: Mapping[str, float]) -> None:
        """Report these values from now on."""
        shown = torch.tensor([values[column] for column in self._columns], dtype=torch.float64)
        fill(self.get_buffer("values"), shown)

    def observe(self, snapshot: Snapshot) -> Observation:
        """Return the values of the phase."""
        return {"values": self.get_buffer("values").clone()}

    def evaluate(self, observed: Observation) -> Metrics:
        """Return the values by column."""
        return dict(zip(self._columns, observed["values"].unbind(-1), strict=True))
