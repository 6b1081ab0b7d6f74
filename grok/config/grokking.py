"""Settings of a transformer that trains on an operation: the network, a grokking run, and a norm-matched pair."""

import dataclasses
from typing import Literal

from grok.config.checks import Settings
from grok.config.probes import ProbesConfig
from grok.config.task import TaskConfig
from grok.config.update import OptimiserConfig, SampledInformationTermConfig


@dataclasses.dataclass(frozen=True, kw_only=True)
class TransformerConfig(Settings, section="model"):
    """A ReLU transformer; by default it has one layer and no LayerNorm, as in Nanda et al. 2023."""

    num_layers: int = 1
    """Number of layers, 1 to 4; each has attention and an MLP."""
    d_model: int = 128
    """Width of the residual stream."""
    num_heads: int = 4
    """Number of attention heads."""
    d_head: int = 32
    """Width of one attention head."""
    d_mlp: int = 512
    """Width of the MLP's hidden layer."""
    layer_norm: bool = False
    """Normalise the inputs of attention, MLP and head (pre-LayerNorm, with gain and bias)."""
    tie_embeddings: bool = False
    """Use the token embeddings as the rows of the head."""

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("d_model", "num_heads", "d_head", "d_mlp"):
            self.require(name, getattr(self, name) >= 1, "a positive integer")
        self.require("num_layers", 1 <= self.num_layers <= 4, "an integer from 1 to 4")


@dataclasses.dataclass(frozen=True, kw_only=True)
class TransformerTrainingConfig(Settings):
    """All settings that determine the results of a transformer on an operation, except the seed and an early stop."""

    task: TaskConfig = TaskConfig()
    """The data."""
    model: TransformerConfig = TransformerConfig()
    """The network."""
    optimiser: OptimiserConfig = OptimiserConfig()
    """The training rule."""
    probes: ProbesConfig = ProbesConfig()
    """The measurements, each with a schedule: `every:K` steps, `log:N` (N log-spaced steps per decade), or `off`."""
    steps: int = 40_000
    """Maximum number of training steps."""
    loss: Literal["cross_entropy", "stablemax"] = "cross_entropy"
    """The training loss: cross-entropy of softmax or of StableMax (Prieto et al. 2025)."""
    loss_dtype: Literal["float64", "float32"] = "float64"
    """Precision of the loss. In float32 a cross-entropy below about 1e-7 per sample becomes 0, as does its gradient."""
    information: SampledInformationTermConfig = SampledInformationTermConfig()
    """The information loss, which is computed on some of the training samples at each step."""

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
        """A short name for people; the hash distinguishes configs with the same label."""
        return self.task.label


@dataclasses.dataclass(frozen=True, kw_only=True)
class GrokkingConfig(TransformerTrainingConfig):
    """All settings that determine the results of a grokking run, except the seed."""

    settle: int | None = 2_000
    """Stop this many steps after the measurement at which test accuracy has reached 99 % and stayed there; None trains
    for all steps."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.require("settle", self.settle is None or self.settle >= 1, "None or an integer of at least 1")
        measured = self.probes.accuracy != "off"
        self.require("settle", self.settle is None or measured, "None while probes.accuracy is off")


@dataclasses.dataclass(frozen=True, kw_only=True)
class NormMatchedConfig(TransformerTrainingConfig):
    """A network that trains with an information loss, then its twin, which has the same weight norm but no such loss.

    `steps` is the length of each training, and neither stops early. The twin starts from the same weights. After each
    update, its weights are scaled to the norm that the first network had after that update. An effect that the term has
    only through the norm, such as by making the weights smaller, therefore occurs in both.
    """

    information: SampledInformationTermConfig = SampledInformationTermConfig(term="mutual_information", weight=0.01)
    """The information loss of the first training, which is computed on some of its samples at each step."""
    steps: int = 10_000
    """Number of steps of each training."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.require("information.term", self.information.is_on, "an information loss")
        free = not self.optimiser.fixed_norm
        self.require("optimiser.fixed_norm", free, "False, as the twin has the norm of the first training")
        self.require("steps", self.steps >= 1, "a positive integer")
        self.require("probes.accuracy", self.probes.accuracy != "off", "a schedule, to tell when either groks")

    @property
    def total_steps(self) -> int:
        """Number of steps of both trainings, with one between them, which measures the final network of the first."""
        return 2 * self.steps + 1
