"""What the training loss is made of."""

from collections.abc import Sequence

from grok.config import Schedule
from grok.training.probes.probe import Metrics, Observation, Probe
from grok.training.snapshot import Snapshot


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
