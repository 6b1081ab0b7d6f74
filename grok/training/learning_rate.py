"""Schedules of the learning rate, and the tensors from which a step reads it."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

from grok.config import OptimiserConfig
from grok.training.draws import fill


@dataclass(frozen=True, kw_only=True)
class LearningRateSchedule:
    r"""The learning rate of each update, with a linear warm-up and a decay.

    The warm-up multiplies the rate of update t + 1 by $\min(1, (t + 1) / \text{warmup})$. Cosine decay also multiplies
    it by $\frac{1}{2}(1 + \cos(\pi t / \text{total}))$ (Loshchilov & Hutter, SGDR, ICLR 2017), and cosine-7/16 by
    $\cos(\frac{7}{16} \pi t / \text{total})$ (Sohn et al., FixMatch, NeurIPS 2020).
    """

    rate: float
    """Learning rate after the warm-up, before any decay."""
    warmup_steps: int = 0
    """Number of updates of the warm-up."""
    decay: str = "constant"
    """Name of the decay: constant, cosine or cosine-7/16."""
    setting: str = "optimiser.learning_rate"
    """Name of the setting that gives the rate, for messages."""

    def __post_init__(self) -> None:
        if self.decay not in DECAYS:
            raise ValueError(f"decay: expected one of {', '.join(DECAYS)}, got {self.decay!r}")

    @classmethod
    def of(cls, config: OptimiserConfig) -> "LearningRateSchedule":
        """Return the schedule of an optimiser's settings."""
        return cls(rate=config.learning_rate, warmup_steps=config.warmup_steps, decay=config.decay)

    @property
    def to_lower(self) -> str:
        """The setting that may be too large if the loss is not finite, with its value."""
        return f"{self.setting} (now {self.rate:g})"

    def rates(self, steps: Int[Tensor, "step"], *, total: int) -> Float[Tensor, "step"]:
        """Return the learning rates, in float64, of the updates that follow these steps, out of `total` updates.

        >>> LearningRateSchedule(rate=1.0, warmup_steps=10).rates(torch.arange(8, 10), total=40)
        tensor([0.9000, 1.0000], dtype=torch.float64)
        """
        warmed_up = ((steps + 1) / max(self.warmup_steps, 1)).clamp(max=1)
        return DECAYS[self.decay](self.rate * warmed_up.double(), steps.double(), total)


DECAYS: dict[str, Callable[[Tensor, Tensor, int], Tensor]] = {
    "constant": lambda rates, steps, total: rates,
    "cosine": lambda rates, steps, total: rates * (1 + (steps * (math.pi / total)).cos()) / 2,
    "cosine-7/16": lambda rates, steps, total: rates * (steps * (7 / 16 * math.pi / total)).cos(),
}
"""Functions that apply a decay to the rates of given steps, by the name of the decay."""


class LearningRates:
    """The learning rates of M members for the updates of a block, on their device; `now` holds the current ones.

    The position in the block is also counted on the device, so that a captured step finds its rate.
    """

    def __init__(self, members: int, *, block: int, device: torch.device) -> None:
        dtype = torch.float32 if device.type == "cuda" else torch.float64  # the type that the fused update reads
        self._upcoming = torch.zeros(block, members, dtype=dtype, device=device)
        self._place = torch.zeros(1, dtype=torch.int64, device=device)
        self.now: Float[Tensor, "member"] = torch.zeros(members, dtype=dtype, device=device)

    def prepare(self, upcoming: Sequence[Float[Tensor, "step"]]) -> None:
        """Store the rates of the next updates of each member, at most `block` of them."""
        rates = torch.stack(list(upcoming), dim=1)
        fill(self._upcoming, rates)
        self._place.zero_()

    def advance(self) -> None:
        """Set `now` for the next update."""
        self.now.copy_(self._upcoming.index_select(0, self._place)[0])
        self._place += 1
