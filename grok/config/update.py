"""Settings of an update: the rule, an information loss, and whether a CUDA graph can capture the update."""

import dataclasses
from collections.abc import Iterable
from typing import Any, Literal

from grok.config.checks import Settings

# rule -> the settings that only some rules read
READS = {"adamw": ("betas",), "adam": ("betas",), "sgd": ("momentum",), "muon": ("betas", "momentum")}


@dataclasses.dataclass(frozen=True, kw_only=True)
class OptimiserConfig(Settings, section="optimiser"):
    """An update rule with a linear warm-up; the default is AdamW as in Nanda et al. 2023."""

    rule: Literal["adamw", "adam", "sgd", "muon"] = "adamw"
    """The update rule. muon updates the matrices of attention and MLP at AdamW's scale, and the rest by AdamW."""
    learning_rate: float = 1e-3
    """Learning rate after the warm-up."""
    weight_decay: float = 1.0
    """Weight decay of all parameters: decoupled in AdamW and Muon, part of the gradient in Adam and SGD."""
    betas: tuple[float, float] = (0.9, 0.98)
    """Decay rates of the two moments of AdamW and Adam. With muon, they apply to the parameters that AdamW updates."""
    momentum: float = 0.9
    """Momentum of SGD and of Muon."""
    warmup_steps: int = 10
    """Number of warm-up updates; update t of these uses t/warmup_steps of the learning rate."""
    decay: Literal["constant", "cosine", "cosine-7/16"] = "constant"
    """Decay of the learning rate over all steps t of T. With cosine it falls to 0 as (1 + cos(pi t / T)) / 2. With
    cosine-7/16 it falls to a fifth as cos(7 pi t / 16 T) (Sohn et al. 2020)."""
    grokfast: float = 0.0
    """Factor of the gradients' moving average that Grokfast-EMA (Lee et al. 2024) adds to them; 0 switches it off."""
    grokfast_decay: float = 0.98
    """Decay rate of the moving average of Grokfast."""
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
                self.require_default(name, f"with the rule {self.rule}, which does not read it")
        if not self.grokfast:
            self.require_default("grokfast_decay", "with optimiser.grokfast 0, which is off")

    @property
    def not_captured(self) -> str | None:
        """A clause that names Muon, whose update reads the learning rate on the host; None for the other rules."""
        return "the rule muon, whose update" if self.rule == "muon" else None


TermName = Literal["none", "mutual_information", "entropy_difference", "mir", "hdr"]


@dataclasses.dataclass(frozen=True, kw_only=True)
class InformationTermConfig(Settings, section="information"):
    """A measure of features and head rows that is added to the training loss (Song et al. 2024, section 6)."""

    term: TermName = "none"
    """The measure of a batch's features and the head rows of its labels. The paper uses mutual information and
    |entropy difference|, in nats; MIR and HDR are their normalised forms."""
    weight: float = 0.0
    """Weight of the term. A positive weight raises mutual information or MIR, or lowers entropy difference or HDR; a
    negative one does the reverse."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.term == "none":
            self.require("weight", self.weight == 0, "0, or an information.term to weigh")
        else:
            self.require("weight", self.weight != 0, f"a number other than 0 with {self.term}")

    @property
    def is_on(self) -> bool:
        """Whether an information loss is added to the training loss."""
        return self.term != "none"

    @property
    def not_captured(self) -> str | None:
        """A clause that names the term, since torch checks on the host that all eigenvalues were found; else None."""
        return f"the term {self.term}, whose eigenvalues" if self.is_on else None


@dataclasses.dataclass(frozen=True, kw_only=True)
class SampledInformationTermConfig(InformationTermConfig):
    """An information loss on some of the samples of a full-batch step, since its cost is cubic in their number."""

    samples: int = 128
    """Number of training samples on which the term is computed, drawn independently at each step."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.require("samples", self.samples >= 2, "an integer of at least 2")
        if self.term == "none":
            self.require_default("samples", "without information.term")


ExecutorName = Literal["eager", "graph"]


def not_captured(config: Settings) -> str | None:
    """Return the clause of the first settings that make the host wait within a step, for "no graph can capture".

    >>> from grok.config import GrokkingConfig
    >>> not_captured(GrokkingConfig(optimiser=OptimiserConfig(rule="muon"))), not_captured(GrokkingConfig())
    ('the rule muon, whose update', None)
    """
    parts = [getattr(config, name) for name in config.setting_types()]
    found = [part.not_captured for part in parts if isinstance(part, Settings)]
    return next(filter(None, found), None)


def fastest_executor(device_type: str, configs: Iterable[Any]) -> ExecutorName:
    """Return the fastest executor that can train these configs on a device of this type.

    >>> from grok.config import GrokkingConfig
    >>> fastest_executor("cuda", [GrokkingConfig()]), fastest_executor("cpu", [GrokkingConfig()])
    ('graph', 'eager')
    """
    return "graph" if device_type == "cuda" and not any(map(not_captured, configs)) else "eager"
