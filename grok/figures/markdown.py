"""What figures show, as tables of medians over seeds in Markdown, for a text to quote."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from grok.figures.bands import HIGH, LOW

MISSING = "–"
QUANTILES = f"medians, and the {100 * LOW:.0f} % and {100 * HIGH:.0f} % quantiles in brackets where they differ"


def seeds_in_words(count: int) -> str:
    """How many seeds there are.

    >>> seeds_in_words(1), seeds_in_words(5)
    ('1 seed', '5 seeds')
    """
    return f"{count} seed{'' if count == 1 else 's'}"


def name_of(column: str) -> str:
    """A measure's column of the record as a heading.

    >>> name_of("test/accuracy"), name_of("interplay/sample/test/mir")
    ('accuracy', 'MIR, `sample`')
    """
    if column.startswith("interplay/"):
        _, pairing, _, ratio = column.split("/")
        return f"{ratio.upper()}, `{pairing}`"
    return column.rpartition("/")[2]


def median_cell(values: pd.Series, column: str) -> str:
    """The median over seeds of a measure, with its quantiles (`QUANTILES`), as the measure is written.

    >>> median_cell(pd.Series([0.9, 0.8, 0.7]), "test/accuracy"), median_cell(pd.Series([2.0, 2.0]), "test/loss")
    ('80.0% (72.0% to 88.0%)', '2.000')
    """
    return cell((values.median(), values.quantile(LOW), values.quantile(HIGH)), form_of(column))


def form_of(column: str) -> str:
    """How the values of a measure are written: accuracies in percent, neural collapse to three digits."""
    if column.endswith("/accuracy"):
        return ".1%"
    return ".3g" if column.startswith("collapse/") else ".3f"


def cell(value_and_range: Iterable[Any], form: str) -> str:
    """A value, with its range in brackets where that differs as it is written; a dash for what was not measured.

    >>> cell((0.5, 0.4, 0.6), ".1f"), cell((0.5, 0.49, 0.51), ".1f"), cell([float("nan")] * 3, ".1f")
    ('0.5 (0.4 to 0.6)', '0.5', '–')
    """
    value, low, high = (f"{float(each):{form}}" for each in value_and_range)
    if value.startswith("nan"):
        return MISSING
    return value if value == low == high else f"{value} ({low} to {high})"


def table(rows: Sequence[Mapping[str, str]]) -> str:
    """Rows of cells by their headings, the same in each.

    >>> print(table([{"ε": "0", "MIR": "0.59"}]))
    | ε | MIR |
    | --- | --- |
    | 0 | 0.59 |
    """
    lines = [list(rows[0]), ["---"] * len(rows[0]), *(row.values() for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def write_markdown(folder: Path, name: str, parts: Iterable[str]) -> Path:
    """Write tables and the text below them into a file beside the figure of this name."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.md"
    path.write_text("\n\n".join(parts) + "\n", encoding="utf-8")
    return path
