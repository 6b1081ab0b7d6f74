"""Each operation agrees with its formula, which is checked by an independent computation."""

import itertools
import re
from pathlib import Path

import pytest

from grok import operations
from grok.operations import OPERATIONS, compose, inverse, is_prime, modular, primitive_root, symmetric_group

P = 13


def table(name, n=P):
    operation = OPERATIONS[name]
    return {(a, b): operation.of_elements(a, b, n) for a, b in operation.pairs(n)}


POLYNOMIALS = {
    "add": lambda a, b: a + b,
    "subtract": lambda a, b: a - b,
    "multiply": lambda a, b: a * b,
    "squares": lambda a, b: a * a + b * b,
    "quadratic": lambda a, b: a * a + a * b + b * b,
    "quadratic-a": lambda a, b: a * a + a * b + b * b + a,
    "cubic": lambda a, b: a * a * a + a * b,
    "cubic-b": lambda a, b: a * a * a + a * b * b + b,
}


def test_every_operation_is_held_to_something_here():
    others = {"divide", "parity", "s5-compose", "s5-conjugate", "s5-sandwich", "random"}
    assert set(OPERATIONS) == set(POLYNOMIALS) | others


@pytest.mark.parametrize("name", POLYNOMIALS)
def test_polynomials_are_taken_modulo_p(name):
    values = table(name)
    assert len(values) == P * P
    assert all(values[a, b] == POLYNOMIALS[name](a, b) % P for a, b in values)


def test_a_quotient_times_its_divisor_is_what_was_divided():
    values = table("divide")
    assert set(values) == set(itertools.product(range(P), range(1, P)))
    assert all(values[a, b] * b % P == a for a, b in values)


def test_the_parity_of_b_chooses_between_division_and_subtraction():
    values = table("parity")
    assert len(values) == P * P
    for (a, b), c in values.items():
        assert (c * b - a if b % 2 else c - (a - b)) % P == 0


def test_s5_has_120_permutations_and_each_is_composed_as_functions_are():
    permutations, number = symmetric_group(5)
    assert len(permutations) == len(set(permutations)) == 120
    for a, b in itertools.product(range(0, 120, 7), range(0, 120, 11)):
        x, y = permutations[a], permutations[b]
        x_after_y = tuple(x[y[i]] for i in range(5))
        assert OPERATIONS["s5-compose"].of_elements(a, b, 120) == number[x_after_y]


def test_conjugates_keep_their_cycles_and_undo_themselves():
    permutations, number = symmetric_group(5)

    def fixed_points(c):
        return sum(image == i for i, image in enumerate(permutations[c]))

    conjugate = OPERATIONS["s5-conjugate"].of_elements
    for a, b in itertools.product(range(0, 120, 7), range(0, 120, 11)):
        c = conjugate(a, b, 120)
        assert fixed_points(c) == fixed_points(b)
        assert conjugate(number[inverse(permutations[a])], c, 120) == b


def test_a_sandwich_is_two_compositions():
    composed, sandwich = OPERATIONS["s5-compose"].of_elements, OPERATIONS["s5-sandwich"].of_elements
    for a, b in itertools.product(range(0, 120, 7), range(0, 120, 11)):
        assert sandwich(a, b, 120) == composed(composed(a, b, 120), a, 120)


def test_inverses_compose_to_the_identity():
    assert all(compose(a, inverse(a)) == (0, 1, 2, 3, 4) for a in symmetric_group(5)[0])


@pytest.mark.parametrize("p", [3, 7, 23, 59, 113])
def test_a_primitive_root_reaches_every_residue_but_0(p):
    g = primitive_root(p)
    assert sorted(pow(g, power, p) for power in range(p - 1)) == list(range(1, p))
    assert is_prime(p)


@pytest.mark.parametrize("name", OPERATIONS)
def test_an_operation_says_how_many_pairs_it_has(name):
    operation = OPERATIONS[name]
    n = operation.num_elements or P
    assert len(operation.pairs(n)) == operation.num_pairs(n) == len(set(operation.pairs(n)))


def test_the_operation_that_the_readme_adds_has_the_name_that_it_uses(monkeypatch):
    added = {}
    monkeypatch.setattr(operations, "OPERATIONS", added)
    section = (Path(__file__).parents[1] / "README.md").read_text().partition("**Add an operation.**")[2]
    code, name = re.search(r"```python\n(.*?)```.*?--config\.task\.operation (\S+)", section, re.DOTALL).groups()
    exec(code, {"modular": modular})
    assert list(added) == [name] == ["square-minus"]
    assert added[name].of_elements(5, 2, 7) == 2  # 25 - 2 mod 7


def test_a_result_that_is_no_whole_number_is_named_with_its_operation(monkeypatch):
    monkeypatch.setattr(operations, "OPERATIONS", {})

    @modular("a / 2")
    def half(a, b, p):
        return a / 2

    with pytest.raises(ValueError, match=r"^half: expected a whole number of a = 1 and b = 2, got 0\.5$"):
        operations.OPERATIONS["half"].of_elements(1, 2, 7)
