"""Settings of semi-supervised training."""

import dataclasses
from typing import Literal

from grok.config.images import ImageTaskConfig
from grok.config.supervised import SupervisedConfig
from grok.config.update import OptimiserConfig


@dataclasses.dataclass(frozen=True, kw_only=True)
class SemiSupervisedConfig(SupervisedConfig):
    """Few labels, and all training samples without theirs: FreeMatch, FixMatch, or the few labels alone.

    What is measured is the moving average of the network (EMA).
    """

    task: ImageTaskConfig = ImageTaskConfig(augmentation="shift-scale")
    """The data, with its weak augmentation."""
    optimiser: OptimiserConfig = OptimiserConfig(
        rule="sgd", learning_rate=0.03, weight_decay=5e-4, warmup_steps=0, decay="cosine-7/16"
    )
    """The training rule."""
    batch_size: int = 16
    """Labelled samples a step."""
    steps: int = 3_000
    """Steps to train for."""
    method: Literal["freematch", "fixmatch", "supervised"] = "freematch"
    """FreeMatch (Wang et al. 2023), FixMatch (Sohn et al. 2020), or no use of unlabelled samples."""
    labels_per_class: int = 4
    """Labelled samples of each class, drawn by the seed; the others are known without their labels, and these too."""
    unlabelled_ratio: int = 7
    """Unlabelled samples a step, in batches of labelled ones."""
    unlabelled_weight: float = 1.0
    """Weight of the loss on pseudo-labels."""
    threshold: float = 0.95
    """FixMatch's: the confidence from which a prediction is a pseudo-label."""
    threshold_decay: float = 0.999
    """FreeMatch's: decay rate of the moving averages that its thresholds follow."""
    fairness_weight: float = 0.05
    """FreeMatch's: weight of the term that keeps predictions spread over the classes."""
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
        """A short name for people; the hash tells apart what it leaves out."""
        labels = self.labels_per_class * self.task.num_classes
        return f"{self.task.dataset}-{labels}-labels-{self.method}-{self.model.label}"


READ_BY = {
    "unlabelled_ratio": ("freematch", "fixmatch"),
    "unlabelled_weight": ("freematch", "fixmatch"),
    "threshold": ("fixmatch",),
    "threshold_decay": ("freematch",),
    "fairness_weight": ("freematch",),
}
"""Settings that not every method reads, with those that do."""
