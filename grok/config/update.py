"""Settings of an update: the rule, a term of information in the loss, and whether a CUDA graph can capture it."""

import dataclasses
from collections.abc import Iterable
from typing import Any, Literal

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
    def not_captured(self) -> str | None:
        """Muon's update, which waits for the device to read the learning rate."""
        return "the rule muon, whose update" if self.rule == "muon" else None


TermName = Literal["none", "mutual_information", "entropy_difference", "mir", "hdr"]


@dataclasses.dataclass(frozen=True, kw_only=True)
class InformationTermConfig(Settings, section="information"):
    """What is added to the training loss: a measure between features and head rows (Song et al. 2024, section 6)."""

    term: TermName = "none"
    """What to optimise, of a batch's features and the head rows of its labels: mutual information or |entropy
    difference| in nats, as in the paper, or MIR or HDR, which are these normalised."""
    weight: float = 0.0
    """Above 0 it raises mutual information or MIR, or lowers entropy difference or HDR; below 0 the reverse."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.term == "none":
            self.require("weight", self.weight == 0, "0, or an information.term to weigh")
        else:
            self.require("weight", self.weight != 0, f"a number other than 0 with {self.term}")

    @property
    def is_on(self) -> bool:
        """Whether there is a term."""
        return self.term != "none"

    @property
    def not_captured(self) -> str | None:
        """The term's eigenvalues: torch looks on the host whether it has found all of them."""
        return f"the term {self.term}, whose eigenvalues" if self.is_on else None


@dataclasses.dataclass(frozen=True, kw_only=True)
class SampledInformationTermConfig(InformationTermConfig):
    """The same for a step on all training samples, of which the term takes some, since it costs their number cubed."""

    samples: int = 128
    """Training samples that it is taken of, drawn anew at each step."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.require("samples", self.samples >= 2, "an integer of at least 2")
        if self.term == "none":
            self.require_default("samples", "without information.term")


ExecutorName = Literal["eager", "graph"]


def not_captured(config: Settings) -> str | None:
    """The first part of the settings for which the host waits amid a step, as a clause before "no graph can capture".

    >>> from grok.config import GrokkingConfig
    >>> not_captured(GrokkingConfig(optimiser=OptimiserConfig(rule="muon"))), not_captured(GrokkingConfig())
    ('the rule muon, whose update', None)
    """
    parts = [getattr(config, name) for name in config.setting_types()]
    found = [part.not_captured for part in parts if isinstance(part, Settings)]
    return next(filter(None, found), None)


def fastest_executor(device_type: str, configs: Iterable[Any]) -> ExecutorName:
    """The executor that is fastest for steps of these configs on such a device, and can carry them out.

    >>> from grok.config import GrokkingConfig
    >>> fastest_executor("cuda", [GrokkingConfig()]), fastest_executor("cpu", [GrokkingConfig()])
    ('graph', 'eager')
    """
    return "graph" if device_type == "cuda" and not any(map(not_captured, configs)) else "eager"
