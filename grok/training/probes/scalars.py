"""Loss, accuracy and norms, and the values by which the objective and the phases describe themselves."""

from collections.abc import Mapping, Sequence

import torch

from grok.config import Schedule
from grok.training.draws import fill
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


class Norms(Probe):
    """Weight norm, and logit scale on train and test."""

    name = "norms"

    def observe(self, snapshot: Snapshot) -> Observation:
        """Columns `weight_norm` (L2, all parameters), `train/logit_scale`, `test/logit_scale`.

        The logit scale is the root mean square of the logits, centred over classes: what softmax sees of them.
        """
        norms = torch.stack([parameter.detach().double().norm() for parameter in snapshot.model.parameters()])
        observed = {"weight_norm": norms.norm()}
        for split in SPLITS:
            variances = snapshot.logits(split).var(dim=-1, correction=0).double()
            counted = snapshot.counted(split)
            observed[f"{split}/logit_scale"] = ((variances * counted).sum() / counted.sum()).sqrt()
        return observed

    def evaluate(self, observed: Observation) -> Metrics:
        """As observed."""
        return observed


class ObjectiveValues(Probe):
    """What the objective says of the update that led to a step, such as the term of information without its weight.

    NaN before the first update, unless it is a number of things so far.
    """

    name = "objective_values"

    def __init__(self, schedule: Schedule, columns: Sequence[str]) -> None:
        """Of an objective that has these columns."""
        super().__init__(schedule)
        self._columns = list(columns)

    def observe(self, snapshot: Snapshot) -> Observation:
        """The values, as they are before the next update."""
        return {column: snapshot.objective[column].double().clone() for column in self._columns}

    def evaluate(self, observed: Observation) -> Metrics:
        """The same."""
        return dict(observed)


class PhaseValues(Probe):
    """The values of the phase that a step is in, such as a sparsity."""

    name = "phase_values"

    def __init__(self, schedule: Schedule, columns: Sequence[str], device: torch.device) -> None:
        """With these columns, which each phase has a value for."""
        super().__init__(schedule)
        self._columns = list(columns)
        self.register_buffer("values", torch.zeros(len(columns), dtype=torch.float64, device=device))

    def show(self, values: Mapping[str, float]) -> None:
        """Show these from now on."""
        shown = torch.tensor([values[column] for column in self._columns], dtype=torch.float64)
        fill(self.get_buffer("values"), shown)

    def observe(self, snapshot: Snapshot) -> Observation:
        """The phase's values."""
        return {"values": self.get_buffer("values").clone()}

    def evaluate(self, observed: Observation) -> Metrics:
        """The columns by their names."""
        return dict(zip(self._columns, observed["values"].unbind(-1), strict=True))
