"""Settings of a term of information in the training loss."""

import dataclasses
from typing import Literal

from grok.config.checks import Settings

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
