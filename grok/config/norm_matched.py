"""Settings of a grokking run with a term of information, and of its twin without."""

import dataclasses

from grok.config.checks import require
from grok.config.grokking import TransformerTrainingConfig
from grok.config.information_term import SampledInformationTermConfig


@dataclasses.dataclass(frozen=True, kw_only=True)
class NormMatchedConfig(TransformerTrainingConfig):
    """A network trained with a term of information, then its twin: without the term, and of the same weight norm.

    `steps` is the length of either training, and neither ends before. The twin begins with the same weights, and after
    each update all of its weights are scaled to the norm that the first had after that update: what a term does through
    the norm alone, such as by making the weights smaller, it does to both.
    """

    information: SampledInformationTermConfig = SampledInformationTermConfig(term="mutual_information", weight=0.01)
    """The term of the first training, of some training samples at each step."""
    steps: int = 10_000
    """Steps of either training."""

    def __post_init__(self) -> None:
        super().__post_init__()
        require(self.information.is_on, "information.term", "a term of information", self.information.term)
        fixed = self.optimiser.fixed_norm
        require(not fixed, "optimiser.fixed_norm", "False, as the twin has the norm of the first training", fixed)
        require(self.steps >= 1, "steps", "a positive integer", self.steps)
        accuracy = self.probes.accuracy
        require(accuracy != "off", "probes.accuracy", "a schedule, to tell when either groks", accuracy)

    @property
    def total_steps(self) -> int:
        """Steps of both trainings, and one between them in which the last network of the first is measured."""
        return 2 * self.steps + 1
