"""Settings of pruning."""

import dataclasses
from itertools import pairwise
from typing import Literal

from grok.config.supervised import SupervisedConfig


@dataclasses.dataclass(frozen=True, kw_only=True)
class PruningConfig(SupervisedConfig):
    """A network is trained, then pruned to one sparsity after the other and fine-tuned at each.

    `steps` is the length of the training before. Of all weight matrices and kernels together those of smallest
    magnitude are set to 0 and held there; biases and batch normalisations are left.
    """

    sparsities: tuple[float, ...] = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95)
    """Fractions of the weights that are 0, rising."""
    schedule: Literal["one-shot", "iterative"] = "one-shot"
    """Prune the trained network to each sparsity, or the fine-tuned one of the sparsity before (Han et al. 2015)."""
    fine_tune_steps: int = 500
    """Steps of fine-tuning at each sparsity."""
    fine_tune_learning_rate: float = 0.003
    """Learning rate of fine-tuning, which decays as in the training."""

    def __post_init__(self) -> None:
        super().__post_init__()
        rising = all(before < after for before, after in pairwise(self.sparsities))
        fractions = len(self.sparsities) > 0 and all(0 <= sparsity < 1 for sparsity in self.sparsities)
        self.require("sparsities", fractions and rising, "rising fractions in [0, 1)")
        self.require("fine_tune_steps", self.fine_tune_steps >= 1, "a positive integer")
        self.require("fine_tune_learning_rate", self.fine_tune_learning_rate > 0, "a positive number")

    @property
    def total_steps(self) -> int:
        """Steps of the training and of all fine-tunings, and one from the end of each of these to the next."""
        return self.steps + len(self.sparsities) * (self.fine_tune_steps + 1) - 1
