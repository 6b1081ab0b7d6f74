"""What tells the phases of a training apart."""

from collections.abc import Mapping, Sequence

import torch

from grok.config import Schedule
from grok.training.probes.probe import Metrics, Observation, Probe
from grok.training.snapshot import Snapshot
from grok.training.transfer import fill


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
