"""Each quantity is what its oracle says, and the library's README has a table that names them all."""

import re
from pathlib import Path

import pytest

from tests.correctness import CHECKS

README = (Path(__file__).parents[1] / "grok" / "information" / "README.md").read_text()


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.quantity)
def test_a_quantity_is_what_its_oracle_says(check):
    assert check.largest_error() <= check.bound


def test_an_oracle_that_disagrees_is_noticed():
    check = CHECKS[0]
    pairs = [*check.pairs(), (1.0, 1.0 + 2 * check.bound)]
    assert type(check)(**{**vars(check), "pairs": lambda: iter(pairs)}).largest_error() > check.bound


def test_the_readme_lists_every_check_with_an_error_within_its_bound():
    for check in CHECKS:
        row = f"| {check.quantity} | {check.oracle} | {check.grid} | "
        (error, bound) = re.search(re.escape(row) + r"(\S+) \| (\S+) \|", README).groups()
        assert float(error) <= float(bound) == check.bound
