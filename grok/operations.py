"""The operations a ∘ b. To add one, write a function with the decorator `modular` or `permutational`."""

import itertools
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Literal

Permutation = tuple[int, ...]
"""A permutation as its images: it maps i to `permutation[i]`."""

DEGREE = 5  # the permutations are the 120 elements of S5


@dataclass(frozen=True, kw_only=True)
class Operation:
    """A map from pairs of elements to elements, which are numbered from 0."""

    formula: str
    """Formula of the operation for a reader."""
    of_elements: Callable[[int, int, int], int] | None
    """Maps (a, b, number of elements) to a ∘ b. It is None if the result of each pair is drawn at random."""
    num_elements: int | None = None
    """Number of elements if the operation fixes it. Otherwise it is the modulus."""
    prime: bool = False
    """Whether the modulus must be a prime."""
    first_b: int = 0
    """Smallest b of the pairs."""
    cyclic: Literal["sums", "products"] | None = "sums"
    """Cyclic group whose characters are the Fourier modes of the elements. For "sums" it is all residues under
    addition. For "products" and a prime modulus it is the residues other than 0 under multiplication. None means that
    there is no such group."""

    def num_pairs(self, num_elements: int) -> int:
        """Return the number of pairs (a, b)."""
        return num_elements * (num_elements - self.first_b)

    def pairs(self, num_elements: int) -> list[tuple[int, int]]:
        """Return all pairs (a, b), ordered by a and then by b."""
        return list(itertools.product(range(num_elements), range(self.first_b, num_elements)))


OPERATIONS: dict[str, Operation] = {}
"""The operations by name, which is the name of the function with hyphens."""


def modular(
    formula: str, *, prime: bool = False, first_b: int = 0, cyclic: Literal["sums", "products"] = "sums"
) -> Callable[[Callable[[int, int, int], int]], Callable[[int, int, int], int]]:
    """Register a function of (a, b, p), whose result is taken modulo p, as an operation."""

    def register(function: Callable[[int, int, int], int]) -> Callable[[int, int, int], int]:
        def of_elements(a: int, b: int, p: int) -> int:
            result = function(a, b, p) % p
            if not isinstance(result, int):
                raise ValueError(f"{_name(function)}: expected a whole number of a = {a} and b = {b}, got {result}")
            return result

        OPERATIONS[_name(function)] = Operation(
            formula=formula,
            of_elements=of_elements,
            prime=prime,
            first_b=first_b,
            cyclic=cyclic,
        )
        return function

    return register


def permutational(
    formula: str,
) -> Callable[[Callable[[Permutation, Permutation], Permutation]], Callable[[Permutation, Permutation], Permutation]]:
    """Register a function of two permutations, which are numbered in lexicographic order, as an operation."""

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
    """Return all permutations of `degree` objects in lexicographic order, and the number of each permutation.

    >>> symmetric_group(3)[0]
    [(0, 1, 2), (0, 2, 1), (1, 0, 2), (1, 2, 0), (2, 0, 1), (2, 1, 0)]
    """
    permutations = list(itertools.permutations(range(degree)))
    return permutations, {permutation: number for number, permutation in enumerate(permutations)}


def compose(a: Permutation, b: Permutation) -> Permutation:
    """Return the permutation that applies b first and then a.

    >>> compose((1, 2, 0), (1, 0, 2))
    (2, 1, 0)
    """
    return tuple(a[image] for image in b)


def inverse(a: Permutation) -> Permutation:
    """Return the inverse of the permutation `a`.

    >>> inverse((1, 2, 0))
    (2, 0, 1)
    """
    return tuple(a.index(number) for number in range(len(a)))


def primitive_root(p: int) -> int:
    """Return the smallest residue whose powers are all residues but 0, for a prime p.

    >>> primitive_root(113)
    3
    """
    return next(g for g in range(1, p) if len({pow(g, power, p) for power in range(p - 1)}) == p - 1)


def is_prime(number: int) -> bool:
    """Return whether the number is a prime.

    >>> [number for number in range(20) if is_prime(number)]
    [2, 3, 5, 7, 11, 13, 17, 19]
    """
    return number > 1 and all(number % divisor for divisor in range(2, int(number**0.5) + 1))


def _name(function: Callable[..., object]) -> str:
    return function.__name__.replace("_", "-")


# These are the operations of Power et al., Grokking: generalization beyond overfitting on small algorithmic datasets,
# 2022, and the product of residues.


@modular("a + b")
def add(a: int, b: int, p: int) -> int:
    """Return the sum, which is the task of Nanda et al. and of the paper."""
    return a + b


@modular("a − b")
def subtract(a: int, b: int, p: int) -> int:
    """Return the difference."""
    return a - b


@modular("a · b", cyclic="products")
def multiply(a: int, b: int, p: int) -> int:
    """Return the product, where a factor may be 0."""
    return a * b


@modular("a / b", prime=True, first_b=1, cyclic="products")
def divide(a: int, b: int, p: int) -> int:
    """Return the residue whose product with b is a."""
    return a * pow(b, -1, p)


@modular("a² + b²")
def squares(a: int, b: int, p: int) -> int:
    """Return the sum of squares."""
    return a**2 + b**2


@modular("a² + ab + b²")
def quadratic(a: int, b: int, p: int) -> int:
    """Return a quadratic form with a mixed term."""
    return a**2 + a * b + b**2


@modular("a² + ab + b² + a")
def quadratic_a(a: int, b: int, p: int) -> int:
    """Return the quadratic form plus a, which breaks its symmetry."""
    return a**2 + a * b + b**2 + a


@modular("a³ + ab")
def cubic(a: int, b: int, p: int) -> int:
    """Return a polynomial that depends linearly on b for every a other than 0."""
    return a**3 + a * b


@modular("a³ + ab² + b")
def cubic_b(a: int, b: int, p: int) -> int:
    """Return the polynomial on which no network of Power et al. generalised."""
    return a**3 + a * b**2 + b


@modular("a / b where b is odd, else a − b", prime=True)
def parity(a: int, b: int, p: int) -> int:
    """Return the quotient for odd b and the difference for even b."""
    return a * pow(b, -1, p) if b % 2 else a - b


@permutational("a ∘ b in S5")
def s5_compose(a: Permutation, b: Permutation) -> Permutation:
    """Return the permutation that applies b first and then a."""
    return compose(a, b)


@permutational("a ∘ b ∘ a⁻¹ in S5")
def s5_conjugate(a: Permutation, b: Permutation) -> Permutation:
    """Return the conjugate of b by a."""
    return compose(compose(a, b), inverse(a))


@permutational("a ∘ b ∘ a in S5")
def s5_sandwich(a: Permutation, b: Permutation) -> Permutation:
    """Return the permutation that applies a, then b, then a."""
    return compose(compose(a, b), a)


OPERATIONS["random"] = Operation(formula="labels drawn at random", of_elements=None)
