"""Settings of supervised training on images or signals, of linear mode connectivity, and of pruning."""

import dataclasses
from itertools import pairwise
from typing import Literal

from grok.config.checks import Settings
from grok.config.images import ImageModelConfig, ImageTaskConfig
from grok.config.probes import ClassifierProbesConfig
from grok.config.update import InformationTermConfig, OptimiserConfig


@dataclasses.dataclass(frozen=True, kw_only=True)
class SupervisedConfig(Settings):
    """All settings that determine the results of standard training, except the seed."""

    task: ImageTaskConfig = ImageTaskConfig()
    """The data."""
    model: ImageModelConfig = ImageModelConfig()
    """The network."""
    optimiser: OptimiserConfig = OptimiserConfig(
        rule="sgd", learning_rate=0.03, weight_decay=5e-4, warmup_steps=0, decay="cosine"
    )
    """The training rule."""
    probes: ClassifierProbesConfig = ClassifierProbesConfig()
    """The measurements, each with a schedule: `every:K` steps, `log:N` (N log-spaced steps per decade), or `off`."""
    batch_size: int = 64
    """Number of samples per step. An epoch is a seeded order of the training samples, cut into whole batches."""
    steps: int = 4_000
    """Number of training steps."""
    label_smoothing: float = 0.0
    """Fraction e of label smoothing: the targets are (1 - e)·y + e/C, with y one-hot and C the number of classes."""
    information: InformationTermConfig = InformationTermConfig()
    """The information loss, which is computed on each batch."""
    precision: Literal["float32", "bfloat16"] = "float32"
    """Precision of the products in training (automatic mixed precision). Measurements always use float32."""

    def __post_init__(self) -> None:
        super().__post_init__()
        kind, unfit = ("images", "conv1d") if self.task.is_images else ("signals", "wide-resnet")
        fit = self.model.network != unfit
        self.require("model.network", fit, f"another network on the {kind} of {self.task.dataset}, such as mlp")
        self.require("steps", self.steps >= 0, "an integer of at least 0")
        self.require(
            "batch_size",
            1 <= self.batch_size <= self.task.train_size,
            f"a number from 1 to the {self.task.train_size:,} training samples",
        )
        self.require("label_smoothing", 0 <= self.label_smoothing < 1, "a fraction in [0, 1)")
        self.require(
            "probes.sample_size",
            self.probes.sample == "off" or self.probes.sample_size <= self.task.measured_train,
            f"at most task.measured_train, {self.task.measured_train}",
        )

    @property
    def total_steps(self) -> int:
        """Number of steps of the whole run."""
        return self.steps

    @property
    def label(self) -> str:
        """A short name for people; the hash distinguishes configs with the same label."""
        return f"{self.task.dataset}-{self.model.label}"


@dataclasses.dataclass(frozen=True, kw_only=True)
class ConnectivityConfig(SupervisedConfig):
    """Two children of one initialisation, trained on different orders of the data, and the networks between them.

    `steps` is the length of each training. Then the networks (1 - omega)·first + omega·second follow, one per step.
    They are measured twice: with interpolated batch statistics, then with recomputed ones.
    """

    points: int = 21
    """Number of values of omega, evenly spaced from 0 to 1."""
    recompute_batches: int = 50
    """Number of training batches over which the statistics of batch normalisation are averaged at each omega."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.require("steps", self.steps >= 1, "a positive integer")
        self.require("points", self.points >= 2, "an integer of at least 2")
        self.require("recompute_batches", self.recompute_batches >= 1, "a positive integer")

    @property
    def total_steps(self) -> int:
        """Number of steps of both trainings, and one from each interpolated network to the next."""
        return 2 * self.steps + 2 * self.points - 1


@dataclasses.dataclass(frozen=True, kw_only=True)
class PruningConfig(SupervisedConfig):
    """Training, then pruning to one sparsity after another, with fine-tuning at each.

    `steps` is the length of the training before pruning. Among the weights of all matrices and kernels, those with the
    smallest magnitudes are set to 0 and held there. Biases and batch normalisations are not pruned.
    """

    sparsities: tuple[float, ...] = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95)
    """Fractions of the weights that are set to 0, in ascending order."""
    schedule: Literal["one-shot", "iterative"] = "one-shot"
    """one-shot prunes the trained network to each sparsity; iterative prunes the network that was fine-tuned at the
    sparsity before (Han et al. 2015)."""
    fine_tune_steps: int = 500
    """Number of steps of fine-tuning at each sparsity."""
    fine_tune_learning_rate: float = 0.003
    """Learning rate of fine-tuning, with the same decay as in training."""

    def __post_init__(self) -> None:
        super().__post_init__()
        rising = all(before < after for before, after in pairwise(self.sparsities))
        fractions = len(self.sparsities) > 0 and all(0 <= sparsity < 1 for sparsity in self.sparsities)
        self.require("sparsities", fractions and rising, "rising fractions in [0, 1)")
        self.require("fine_tune_steps", self.fine_tune_steps >= 1, "a positive integer")
        self.require("fine_tune_learning_rate", self.fine_tune_learning_rate > 0, "a positive number")

    @property
    def total_steps(self) -> int:
        """Number of steps of the training and of all fine-tunings, and one from the end of each to the next."""
        return self.steps + len(self.sparsities) * (self.fine_tune_steps + 1) - 1
