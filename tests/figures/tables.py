"""Expected cells of tables of means and differences, computed by scipy, and readers of such tables."""

import numpy as np
from scipy import stats


def plus_minus(values, form=".2f", times=100):
    """Return the mean ± half the width of Student's 95 % interval."""
    low, high = stats.t.interval(0.95, len(values) - 1, loc=np.mean(values), scale=stats.sem(values))
    return f"{times * np.mean(values):{form}} ± {times * (high - low) / 2:{form}}"


def difference(first, second):
    """Return the mean difference in percentage points with its sign ± half the width of its 95 % interval."""
    found = plus_minus(np.subtract(first, second))
    return "−" + found[1:] if found.startswith("-") else f"+{found}"


def sign_flip_p(first, second):
    """Return the p value of the exact test that swaps the members of pairs."""
    found = stats.permutation_test((np.subtract(first, second).round(9),), np.mean, permutation_type="samples")
    return found.pvalue


def rows_of_markdown(text):
    """Return the rows of the table as dicts by heading, and the text below it."""
    lines = text.splitlines()
    header, rule, *rows = [line for line in lines if line.startswith("|")]
    headings, *cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in (header, *rows)]
    assert rule == f"| {' | '.join(['---'] * len(headings))} |"
    assert all(len(row) == len(headings) for row in cells)  # no cell contains a |
    return [dict(zip(headings, row, strict=True)) for row in cells], lines[-1]


def rows_of_latex(text):
    """Return the rows of the LaTeX table as lists of cells, the headings first."""
    lines = [line.strip().removesuffix(r" \\") for line in text.splitlines() if line.endswith(r"\\")]
    return [line.split(" & ") for line in lines]
