"""Settings of the binary operation and of its train and test split."""

import dataclasses
from fractions import Fraction
from typing import TYPE_CHECKING, Literal, Self

from grok.config.checks import Settings
from grok.operations import OPERATIONS, Operation, is_prime

MOST_ELEMENTS = 2_000

if TYPE_CHECKING:
    OperationName = str
else:
    OperationName = Literal[tuple(OPERATIONS)]


@dataclasses.dataclass(frozen=True, kw_only=True)
class TaskConfig(Settings, section="task"):
    """A binary operation ∘. The task is to predict a ∘ b from the tokens `a b =`."""

    operation: OperationName = "add"
    """The operation ∘; `random` draws a label for each pair, once per seed."""
    modulus: int | None = 113
    """The modulus p, which gives p classes and p² pairs, or p² − p for division. It is None for S5."""
    train_fraction: float = 0.3
    """Fraction of the pairs in the train split; the rest is the test split."""
    rounding: Literal["nearest", "down"] = dataclasses.field(default="nearest", metadata={"before": "down"})
    """How the number of training pairs is rounded: to the nearest integer (a tie to the even one), or down. The rule
    `down` cuts a floating-point product, as published code does, so that 0.29 of 100 pairs gives 28."""

    def __post_init__(self) -> None:
        super().__post_init__()
        fixed = self._operation.num_elements
        if fixed is None:
            self.require("modulus", self.modulus is not None and self.modulus >= 3, "an integer of at least 3")
        else:
            self.require("modulus", self.modulus is None, f"None, since {self.operation} is on {fixed} permutations")
        few = self.num_elements <= MOST_ELEMENTS
        self.require("modulus", few, f"at most {MOST_ELEMENTS:,}, as all pairs are held in memory")
        if self._operation.prime:
            self.require("modulus", is_prime(self.num_elements), f"a prime for {self.operation}")
        self.require("train_fraction", 0 < self.train_fraction < 1, "a fraction in (0, 1)")
        self.require(
            "train_fraction",
            0 < self.train_size < self.num_pairs,
            f"a fraction that leaves both splits a sample of the {self.num_pairs}",
        )

    def identity(self) -> Self:
        """Return the settings with the rule `down`, unless it would change the split.

        >>> [TaskConfig(modulus=p).identity().rounding for p in (59, 113)]
        ['down', 'nearest']
        """
        same = self._train_size("down") == self.train_size
        return dataclasses.replace(self, rounding="down") if same else self

    @property
    def _operation(self) -> Operation:
        return OPERATIONS[self.operation]

    @property
    def num_elements(self) -> int:
        """Number of elements, which are the classes."""
        return self._operation.num_elements or self.modulus or 0

    @property
    def num_pairs(self) -> int:
        """Number of pairs (a, b)."""
        return self._operation.num_pairs(self.num_elements)

    @property
    def has_frequencies(self) -> bool:
        """Whether the elements lie on a cycle, so that Fourier frequencies are defined."""
        return self._operation.cyclic is not None

    @property
    def train_size(self) -> int:
        """Number of training pairs."""
        return self._train_size(self.rounding)

    def _train_size(self, rounding: str) -> int:
        if rounding == "down":
            return int(self.train_fraction * self.num_pairs)
        return round(Fraction(str(self.train_fraction)) * self.num_pairs)  # exact, and half an integer becomes even

    @property
    def test_size(self) -> int:
        """Number of test pairs."""
        return self.num_pairs - self.train_size

    @property
    def label(self) -> str:
        """A short name for people.

        >>> TaskConfig(operation="divide").label, TaskConfig(operation="s5-compose", modulus=None).label
        ('divide-p113', 's5-compose')
        """
        return self.operation if self.modulus is None else f"{self.operation}-p{self.modulus}"

    @property
    def description(self) -> str:
        """The task as a formula.

        >>> TaskConfig(operation="divide", modulus=59).description
        'a / b mod 59'
        """
        formula = self._operation.formula
        return formula if self.modulus is None else f"{formula} mod {self.modulus}"
