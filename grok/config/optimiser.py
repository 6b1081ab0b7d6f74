"""Settings of the training rule."""

import dataclasses
from typing import Literal

from grok.config.checks import Settings

# rule -> the settings that only some rules read
READS = {"adamw": ("betas",), "adam": ("betas",), "sgd": ("momentum",), "muon": ("betas", "momentum")}


@dataclasses.dataclass(frozen=True, kw_only=True)
class OptimiserConfig(Settings, section="optimiser"):
    """Gradient descent of some kind, with a linear warm-up; AdamW as in Nanda et al. 2023."""

    rule: Literal["adamw", "adam", "sgd", "muon"] = "adamw"
    """The update rule. Muon takes the matrices of attention and MLP, at AdamW's scale; AdamW takes the rest."""
    learning_rate: float = 1e-3
    """Learning rate after the warm-up."""
    weight_decay: float = 1.0
    """Weight decay, on every parameter: decoupled in AdamW and Muon, part of the gradient in Adam and SGD."""
    betas: tuple[float, float] = (0.9, 0.98)
    """Decay rates of the two moments, in AdamW and Adam; in Muon for what AdamW takes."""
    momentum: float = 0.9
    """Momentum of SGD and of Muon."""
    warmup_steps: int = 10
    """Update t of the first this many has t/warmup_steps of the learning rate."""
    decay: Literal["constant", "cosine", "cosine-7/16"] = "constant"
    """What the learning rate does beside the warm-up: cosine lets it fall to 0 over all steps t of T, as (1 + cos)/2,
    and cosine-7/16 to a fifth, as cos(7 pi t / 16 T) (Sohn et al. 2020)."""
    grokfast: float = 0.0
    """Grokfast-EMA (Lee et al. 2024): this many times the gradients' moving average is added to them; 0 is off."""
    grokfast_decay: float = 0.98
    """Decay rate of that moving average."""
    fixed_norm: bool = False
    """Scale all weights after each update back to their L2 norm at step 0 (Liu et al. 2023)."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.require("learning_rate", self.learning_rate > 0, "a positive number")
        self.require("weight_decay", self.weight_decay >= 0, "a number of at least 0")
        self.require("betas", all(0 <= beta < 1 for beta in self.betas), "two numbers in [0, 1)")
        self.require("momentum", 0 <= self.momentum < 1, "a number in [0, 1)")
        self.require("warmup_steps", self.warmup_steps >= 0, "an integer of at least 0")
        self.require("grokfast", self.grokfast >= 0, "a number of at least 0")
        self.require("grokfast_decay", 0 <= self.grokfast_decay < 1, "a number in [0, 1)")
        for name in ("betas", "momentum"):
            if name not in READS[self.rule]:
                self.require_default(name, f"with the rule {self.rule}, which has none")
        if not self.grokfast:
            self.require_default("grokfast_decay", "with optimiser.grokfast 0, which is off")

    @property
    def can_be_captured(self) -> bool:
        """Whether a CUDA graph can capture the update: torch's Muon waits for the device to read the learning rate."""
        return self.rule != "muon"
