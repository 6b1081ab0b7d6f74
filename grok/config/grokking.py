"""Settings of a grokking run, and what other trainings of its transformer share."""

import dataclasses
from typing import Literal

from grok.config.checks import ConfigError, Settings
from grok.config.information_term import SampledInformationTermConfig
from grok.config.model import TransformerConfig
from grok.config.optimiser import OptimiserConfig
from grok.config.probes import ProbesConfig
from grok.config.task import TaskConfig


@dataclasses.dataclass(frozen=True, kw_only=True)
class TransformerTrainingConfig(Settings):
    """What decides the numbers of a transformer in training on an operation, but for the seed and an early end."""

    task: TaskConfig = TaskConfig(rounding="down")
    """The data."""
    model: TransformerConfig = TransformerConfig()
    """The network."""
    optimiser: OptimiserConfig = OptimiserConfig()
    """The training rule."""
    probes: ProbesConfig = ProbesConfig()
    """The measurements, each `every:K` steps, `log:N` (N log-spaced steps a decade), or `off`."""
    steps: int = 40_000
    """Most steps to train for."""
    loss: Literal["cross_entropy", "stablemax"] = "cross_entropy"
    """The training loss: softmax cross-entropy, or cross-entropy of StableMax (Prieto et al. 2025)."""
    loss_dtype: Literal["float64", "float32"] = "float64"
    """Precision of the loss. In float32 a cross-entropy below about 1e-7 a sample is rounded to 0, its gradient too."""
    information: SampledInformationTermConfig = SampledInformationTermConfig()
    """A term of information, of some training samples at each step."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.require("steps", self.steps >= 0, "an integer of at least 0")
        smaller_split = min(self.task.train_size, self.task.test_size)
        self.require(
            "probes.sample_size",
            self.probes.sample == "off" or self.probes.sample_size <= smaller_split,
            f"at most the size of the smaller split, {smaller_split}",
        )
        self.require(
            "information.samples",
            not self.information.is_on or self.information.samples <= self.task.train_size,
            f"at most the {self.task.train_size:,} training samples",
        )
        if not self.task.has_frequencies:
            for name in ("fourier", "neurons", "spectrum"):
                off = getattr(self.probes, name) == "off"
                self.require(f"probes.{name}", off, f"off, as {self.task.operation} has no frequencies")

    @property
    def label(self) -> str:
        """A short name for people; the hash tells apart what it leaves out."""
        return self.task.label


@dataclasses.dataclass(frozen=True, kw_only=True)
class GrokkingConfig(TransformerTrainingConfig):
    """Everything that decides the numbers of a grokking run, but for the seed."""

    settle: int | None = 2_000
    """End this many steps after test accuracy has reached 99 % and stayed there; None trains for all steps."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.require("settle", self.settle is None or self.settle >= 1, "None or an integer of at least 1")
        if self.settle is not None and self.probes.accuracy == "off":
            raise ConfigError("settle: needs test accuracy, but probes.accuracy is off; switch it on, or settle None")
