"""Settings of a grokking run with a term of information, and of its twin without."""

import dataclasses

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
        self.require("information.term", self.information.is_on, "a term of information")
        free = not self.optimiser.fixed_norm
        self.require("optimiser.fixed_norm", free, "False, as the twin has the norm of the first training")
        self.require("steps", self.steps >= 1, "a positive integer")
        self.require("probes.accuracy", self.probes.accuracy != "off", "a schedule, to tell when either groks")

    @property
    def total_steps(self) -> int:
        """Steps of both trainings, and one between them in which the last network of the first is measured."""
        return 2 * self.steps + 1
