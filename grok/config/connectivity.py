"""Settings of linear mode connectivity."""

import dataclasses

from grok.config.supervised import SupervisedConfig


@dataclasses.dataclass(frozen=True, kw_only=True)
class ConnectivityConfig(SupervisedConfig):
    """Two children of one initialisation, trained on other orders of the data, and the networks between them.

    `steps` is the length of either training. Then follow the networks (1 - omega)·first + omega·second, a step each:
    with batch statistics interpolated as weights are, then again with statistics recomputed.
    """

    points: int = 21
    """Values of omega, evenly spaced from 0 to 1."""
    recompute_batches: int = 50
    """Training batches over which the statistics of batch normalisation are averaged at each omega."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.require("steps", self.steps >= 1, "a positive integer")
        self.require("points", self.points >= 2, "an integer of at least 2")
        self.require("recompute_batches", self.recompute_batches >= 1, "a positive integer")

    @property
    def total_steps(self) -> int:
        """Steps of both trainings, and one from each network between them to the next."""
        return 2 * self.steps + 2 * self.points - 1
