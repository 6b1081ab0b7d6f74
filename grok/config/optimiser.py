"""Settings of the training rule."""

import dataclasses
from typing import Literal

from grok.config.checks import require, require_default

# rule -> the settings that only some rules read
READS = {"adamw": ("betas",), "adam": ("betas",), "sgd": ("momentum",), "muon": ("betas", "momentum")}


@dataclasses.dataclass(frozen=True, kw_only=True)
class OptimiserConfig:
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
        require(self.learning_rate > 0, "optimiser.learning_rate", "a positive number", self.learning_rate)
        require(self.weight_decay >= 0, "optimiser.weight_decay", "a number of at least 0", self.weight_decay)
        require(all(0 <= beta < 1 for beta in self.betas), "optimiser.betas", "two numbers in [0, 1)", self.betas)
        require(0 <= self.momentum < 1, "optimiser.momentum", "a number in [0, 1)", self.momentum)
        require(self.warmup_steps >= 0, "optimiser.warmup_steps", "an integer of at least 0", self.warmup_steps)
        require(self.grokfast >= 0, "optimiser.grokfast", "a number of at least 0", self.grokfast)
        require(0 <= self.grokfast_decay < 1, "optimiser.grokfast_decay", "a number in [0, 1)", self.grokfast_decay)
        for name in ("betas", "momentum"):
            if name not in READS[self.rule]:
                require_default(self, name, f"with the rule {self.rule}, which has none", within="optimiser.")
        if not self.grokfast:
            require_default(self, "grokfast_decay", "with optimiser.grokfast 0, which is off", within="optimiser.")

    @property
    def can_be_captured(self) -> bool:
        """Whether a CUDA graph can capture the update: torch's Muon waits for the device to read the learning rate."""
        return self.rule != "muon"
