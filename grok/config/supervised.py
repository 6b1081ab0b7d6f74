"""Settings of standard training on images or signals."""

import dataclasses
from typing import Literal

from grok.config.checks import Settings
from grok.config.image_models import ImageModelConfig
from grok.config.image_task import ImageTaskConfig
from grok.config.information_term import InformationTermConfig
from grok.config.optimiser import OptimiserConfig
from grok.config.probes import ClassifierProbesConfig


@dataclasses.dataclass(frozen=True, kw_only=True)
class SupervisedConfig(Settings):
    """Everything that decides the numbers of a run of standard training, but for the seed."""

    task: ImageTaskConfig = ImageTaskConfig()
    """The data."""
    model: ImageModelConfig = ImageModelConfig()
    """The network."""
    optimiser: OptimiserConfig = OptimiserConfig(
        rule="sgd", learning_rate=0.03, weight_decay=5e-4, warmup_steps=0, decay="cosine"
    )
    """The training rule."""
    probes: ClassifierProbesConfig = ClassifierProbesConfig()
    """The measurements, each `every:K` steps, `log:N` (N log-spaced steps a decade), or `off`."""
    batch_size: int = 64
    """Samples a step. An epoch is a seeded order of the training samples, cut into whole batches."""
    steps: int = 4_000
    """Steps to train for."""
    label_smoothing: float = 0.0
    """Train on targets (1 - e)·y + e/C, with y one-hot and C the number of classes."""
    information: InformationTermConfig = InformationTermConfig()
    """A term of information, of each batch."""
    precision: Literal["float32", "bfloat16"] = "float32"
    """Precision of the products in training (automatic mixed precision); what is measured is always in float32."""

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
        """Steps from the first to the last."""
        return self.steps

    @property
    def label(self) -> str:
        """A short name for people; the hash tells apart what it leaves out."""
        return f"{self.task.dataset}-{self.model.label}"
