"""What a ∘ b can be. To add an operation is to write one function under `modular` or `permutational`."""

import itertools
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Literal

Permutation = tuple[int, ...]
"""A permutation as its images: `permutation[i]` is where i goes."""

DEGREE = 5  # of the permutations: those of S5, 120 elements


@dataclass(frozen=True, kw_only=True)
class Operation:
    """A map of pairs of elements to elements; elements are numbered from 0."""

    formula: str
    """As a person would write it."""
    of_elements: Callable[[int, int, int], int] | None
    """(a, b, number of elements) -> a ∘ b; None where each pair's result is drawn at random."""
    num_elements: int | None = None
    """Number of elements, if the operation fixes it; otherwise it is the modulus."""
    prime: bool = False
    """Whether the modulus must be a prime."""
    first_b: int = 0
    """The pairs are those with b from here on."""
    cyclic: Literal["sums", "products"] | None = "sums"
    """The cyclic group whose characters are the Fourier modes of the elements: all residues under addition; those that
    are not 0 under multiplication, if the modulus is a prime; or none."""

    def num_pairs(self, num_elements: int) -> int:
        """Number of pairs (a, b)."""
        return num_elements * (num_elements - self.first_b)

    def pairs(self, num_elements: int) -> list[tuple[int, int]]:
        """All pairs (a, b), by a and then by b."""
        return list(itertools.product(range(num_elements), range(self.first_b, num_elements)))


OPERATIONS: dict[str, Operation] = {}
"""The operations by name: the name of the function with hyphens."""


def modular(
    formula: str, *, prime: bool = False, first_b: int = 0, cyclic: Literal["sums", "products"] = "sums"
) -> Callable[[Callable[[int, int, int], int]], Callable[[int, int, int], int]]:
    """Make an operation of a function of (a, b, p), which is taken modulo p."""

    def register(function: Callable[[int, int, int], int]) -> Callable[[int, int, int], int]:
        OPERATIONS[_name(function)] = Operation(
            formula=formula,
            of_elements=lambda a, b, p: function(a, b, p) % p,
            prime=prime,
            first_b=first_b,
            cyclic=cyclic,
        )
        return function

    return register


def permutational(
    formula: str,
) -> Callable[[Callable[[Permutation, Permutation], Permutation]], Callable[[Permutation, Permutation], Permutation]]:
    """Make an operation of a function of two permutations; elements are numbered in lexicographic order."""

    def register(
        function: Callable[[Permutation, Permutation], Permutation],
    ) -> Callable[[Permutation, Permutation], Permutation]:
        def of_elements(a: int, b: int, num_elements: int) -> int:
            permutations, number = symmetric_group(DEGREE)
            return number[function(permutations[a], permutations[b])]

        num_elements = len(symmetric_group(DEGREE)[0])
        OPERATIONS[_name(function)] = Operation(
            formula=formula, of_elements=of_elements, num_elements=num_elements, cyclic=None
        )
        return function

    return register


@cache
def symmetric_group(degree: int) -> tuple[list[Permutation], dict[Permutation, int]]:
    """All permutations of so many things in lexicographic order, and the number of each.

    >>> symmetric_group(3)[0]
    [(0, 1, 2), (0, 2, 1), (1, 0, 2), (1, 2, 0), (2, 0, 1), (2, 1, 0)]
    """
    permutations = list(itertools.permutations(range(degree)))
    return permutations, {permutation: number for number, permutation in enumerate(permutations)}


def compose(a: Permutation, b: Permutation) -> Permutation:
    """First b, then a.

    >>> compose((1, 2, 0), (1, 0, 2))
    (2, 1, 0)
    """
    return tuple(a[image] for image in b)


def inverse(a: Permutation) -> Permutation:
    """The permutation that undoes `a`.

    >>> inverse((1, 2, 0))
    (2, 0, 1)
    """
    return tuple(a.index(number) for number in range(len(a)))


def primitive_root(p: int) -> int:
    """The smallest residue whose powers are all residues but 0, for a prime p.

    >>> primitive_root(113)
    3
    """
    return next(g for g in range(1, p) if len({pow(g, power, p) for power in range(p - 1)}) == p - 1)


def is_prime(number: int) -> bool:
    """Whether nothing but 1 and the number itself divides it.

    >>> [number for number in range(20) if is_prime(number)]
    [2, 3, 5, 7, 11, 13, 17, 19]
    """
    return number > 1 and all(number % divisor for divisor in range(2, int(number**0.5) + 1))


def _name(function: Callable[..., object]) -> str:
    return function.__name__.replace("_", "-")


# The operations of Power et al., Grokking: generalization beyond overfitting on small algorithmic datasets, 2022, and
# the product of residues.


@modular("a + b")
def add(a: int, b: int, p: int) -> int:
    """The task of Nanda et al. and of the paper."""
    return a + b


@modular("a − b")
def subtract(a: int, b: int, p: int) -> int:
    """The difference."""
    return a - b


@modular("a · b", cyclic="products")
def multiply(a: int, b: int, p: int) -> int:
    """The product, that of 0 included."""
    return a * b


@modular("a / b", prime=True, first_b=1, cyclic="products")
def divide(a: int, b: int, p: int) -> int:
    """The residue whose product with b is a."""
    return a * pow(b, -1, p)


@modular("a² + b²")
def squares(a: int, b: int, p: int) -> int:
    """The sum of squares."""
    return a**2 + b**2


@modular("a² + ab + b²")
def quadratic(a: int, b: int, p: int) -> int:
    """A quadratic form with a mixed term."""
    return a**2 + a * b + b**2


@modular("a² + ab + b² + a")
def quadratic_a(a: int, b: int, p: int) -> int:
    """The same without its symmetry."""
    return a**2 + a * b + b**2 + a


@modular("a³ + ab")
def cubic(a: int, b: int, p: int) -> int:
    """Linear in b for each a but 0."""
    return a**3 + a * b


@modular("a³ + ab² + b")
def cubic_b(a: int, b: int, p: int) -> int:
    """The one that no network of Power et al. generalised on."""
    return a**3 + a * b**2 + b


@modular("a / b where b is odd, else a − b", prime=True)
def parity(a: int, b: int, p: int) -> int:
    """Two operations, told apart by the parity of b."""
    return a * pow(b, -1, p) if b % 2 else a - b


@permutational("a ∘ b in S5")
def s5_compose(a: Permutation, b: Permutation) -> Permutation:
    """First b, then a."""
    return compose(a, b)


@permutational("a ∘ b ∘ a⁻¹ in S5")
def s5_conjugate(a: Permutation, b: Permutation) -> Permutation:
    """The conjugate of b by a."""
    return compose(compose(a, b), inverse(a))


@permutational("a ∘ b ∘ a in S5")
def s5_sandwich(a: Permutation, b: Permutation) -> Permutation:
    """First a, then b, then a."""
    return compose(compose(a, b), a)


OPERATIONS["random"] = Operation(formula="labels drawn at random", of_elements=None)
