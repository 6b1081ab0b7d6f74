"""Settings of a transformer's training on an operation: its network, a grokking run, and a norm-matched pair."""

import dataclasses
from typing import Literal

from grok.config.checks import ConfigError, Settings
from grok.config.probes import ProbesConfig
from grok.config.task import TaskConfig
from grok.config.update import OptimiserConfig, SampledInformationTermConfig


@dataclasses.dataclass(frozen=True, kw_only=True)
class TransformerConfig(Settings, section="model"):
    """ReLU transformer; one layer without LayerNorm as in Nanda et al. 2023, if not set otherwise."""

    num_layers: int = 1
    """Number of layers, each of attention and an MLP: 1 to 4."""
    d_model: int = 128
    """Width of the residual stream."""
    num_heads: int = 4
    """Number of attention heads."""
    d_head: int = 32
    """Width of one attention head."""
    d_mlp: int = 512
    """Width of the MLP's hidden layer."""
    layer_norm: bool = False
    """Normalise what attention, MLP and head read (pre-LayerNorm, with gain and bias)."""
    tie_embeddings: bool = False
    """Let the head's rows be the tokens' embeddings."""

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("d_model", "num_heads", "d_head", "d_mlp"):
            self.require(name, getattr(self, name) >= 1, "a positive integer")
        self.require("num_layers", 1 <= self.num_layers <= 4, "an integer from 1 to 4")


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
