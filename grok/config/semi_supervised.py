"""Settings of semi-supervised training."""

import dataclasses
from typing import Literal

from grok.config.images import ImageTaskConfig
from grok.config.supervised import SupervisedConfig
from grok.config.update import OptimiserConfig


@dataclasses.dataclass(frozen=True, kw_only=True)
class SemiSupervisedConfig(SupervisedConfig):
    """Training on few labels with all training samples as unlabelled ones (FreeMatch, FixMatch), or on labels only.

    The probes measure the exponential moving average (EMA) of the network.
    """

    task: ImageTaskConfig = ImageTaskConfig(augmentation="shift-scale")
    """The data, with its weak augmentation."""
    optimiser: OptimiserConfig = OptimiserConfig(
        rule="sgd", learning_rate=0.03, weight_decay=5e-4, warmup_steps=0, decay="cosine-7/16"
    )
    """The training rule."""
    batch_size: int = 16
    """Number of labelled samples per step."""
    steps: int = 3_000
    """Number of training steps."""
    method: Literal["freematch", "fixmatch", "supervised"] = "freematch"
    """FreeMatch (Wang et al. 2023), FixMatch (Sohn et al. 2020), or supervised, which ignores unlabelled samples."""
    labels_per_class: int = 4
    """Number of labelled samples per class, drawn by the seed. All training samples also serve as unlabelled ones."""
    unlabelled_ratio: int = 7
    """Number of unlabelled samples per step, as a multiple of the number of labelled samples."""
    unlabelled_weight: float = 1.0
    """Weight of the loss on pseudo-labels."""
    threshold: float = 0.95
    """Confidence from which FixMatch uses a prediction as a pseudo-label."""
    threshold_decay: float = 0.999
    """Decay rate of the moving averages from which FreeMatch computes its thresholds."""
    fairness_weight: float = 0.05
    """Weight of the fairness loss of FreeMatch, which keeps the predictions spread over the classes."""
    average_decay: float = 0.999
    """Decay rate of the moving average of the weights."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.require("task.dataset", self.task.dataset != "digits", "mnist1d, cifar10 or cifar100")
        most = self.task.train_size // self.task.num_classes
        self.require("labels_per_class", 1 <= self.labels_per_class <= most, f"a number from 1 to {most:,}")
        self.require(
            "unlabelled_ratio",
            self.method not in READ_BY["unlabelled_ratio"]
            or 1 <= self.unlabelled_ratio <= self.task.train_size // self.batch_size,
            f"a positive integer, for batches of at most the {self.task.train_size:,} training samples",
        )
        for name in ("unlabelled_weight", "fairness_weight"):
            self.require(name, getattr(self, name) >= 0, "a number of at least 0")
        for name in ("threshold_decay", "average_decay"):
            self.require(name, 0 <= getattr(self, name) < 1, "a number in [0, 1)")
        self.require("threshold", 0 <= self.threshold <= 1, "a number in [0, 1]")
        for name, methods in READ_BY.items():
            if self.method not in methods:
                self.require_default(name, f"with the method {self.method}, which does not read it")

    @property
    def label(self) -> str:
        """A short name for people; the hash distinguishes configs with the same label."""
        labels = self.labels_per_class * self.task.num_classes
        return f"{self.task.dataset}-{labels}-labels-{self.method}-{self.model.label}"


READ_BY = {
    "unlabelled_ratio": ("freematch", "fixmatch"),
    "unlabelled_weight": ("freematch", "fixmatch"),
    "threshold": ("fixmatch",),
    "threshold_decay": ("freematch",),
    "fairness_weight": ("freematch",),
}
"""The settings that only some methods read, with the names of these methods."""
