"""Tables of what figures show, in Markdown for a text to quote and in LaTeX for a paper, and their cells."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pandas as pd

from grok.columns import RATIOS, accuracy, interplay
from grok.figures.bands import HIGH, LOW

MISSING = "–"
QUANTILES = f"medians, and the {100 * LOW:.0f} % and {100 * HIGH:.0f} % quantiles in brackets where they differ"

SPECIAL = {
    "\\": r"\textbackslash{}",
    "&": r"\&",
    "%": r"\%",
    "$": r"\$",
    "#": r"\#",
    "_": r"\_",
    "{": r"\{",
    "}": r"\}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "–": "--",
    "−": "$-$",
    "±": r"$\pm$",
    "<": "$<$",
    "Δ": r"$\Delta$",
}


def seeds_in_words(count: int) -> str:
    """Return the number of seeds in words.

    >>> seeds_in_words(1), seeds_in_words(5)
    ('1 seed', '5 seeds')
    """
    return f"{count} seed{'' if count == 1 else 's'}"


def name_of(column: str) -> str:
    """Return the heading for a column of the record.

    >>> name_of("test/accuracy"), name_of("interplay/sample/test/mir")
    ('accuracy', 'MIR, `sample`')
    """
    if column.startswith(interplay("")):
        _, pairing, _, ratio = column.split("/")
        return f"{RATIOS[ratio]}, `{pairing}`"
    return column.rpartition("/")[2]


def median_cell(values: pd.Series, column: str) -> str:
    """Format the median over seeds of a measure, with its quantiles (`QUANTILES`).

    >>> median_cell(pd.Series([0.9, 0.8, 0.7]), "test/accuracy"), median_cell(pd.Series([2.0, 2.0]), "test/loss")
    ('80.0% (72.0% to 88.0%)', '2.000')
    """
    return cell((values.median(), values.quantile(LOW), values.quantile(HIGH)), form_of(column))


def form_of(column: str) -> str:
    """Return the format of a measure: accuracies are in percent, and neural collapse has three digits."""
    if column.endswith(accuracy("")):
        return ".1%"
    return ".3g" if column.startswith("collapse/") else ".3f"


def cell(value_and_range: Iterable[Any], form: str) -> str:
    """Format a value, with its range in brackets if that differs in the same format; a dash stands for NaN.

    >>> cell((0.5, 0.4, 0.6), ".1f"), cell((0.5, 0.49, 0.51), ".1f"), cell([float("nan")] * 3, ".1f")
    ('0.5 (0.4 to 0.6)', '0.5', '–')
    """
    value, low, high = (f"{float(each):{form}}" for each in value_and_range)
    if value.startswith("nan"):
        return MISSING
    return value if value == low == high else f"{value} ({low} to {high})"


def markdown_table(rows: Sequence[Mapping[str, str]]) -> str:
    """Format rows, which all have the same headings, as a Markdown table.

    >>> print(markdown_table([{"ε": "0", "MIR": "0.59"}]))
    | ε | MIR |
    | --- | --- |
    | 0 | 0.59 |
    """
    lines = [list(rows[0]), ["---"] * len(rows[0]), *(row.values() for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def escaped(text: str) -> str:
    r"""Return text for LaTeX; text between backticks is set as code, as in Markdown.

    >>> print(escaped("`sample_size`: 5 % ± 1"))
    \texttt{sample\_size}: 5 \% $\pm$ 1
    """
    parts = ["".join(SPECIAL.get(letter, letter) for letter in part) for part in text.split("`")]
    return "".join(rf"\texttt{{{part}}}" if place % 2 else part for place, part in enumerate(parts))


def latex_table(rows: Sequence[Mapping[str, str]], caption: str, label: str) -> str:
    r"""Format rows, which all have the same headings, as a LaTeX table; it needs the package booktabs.

    >>> print(latex_table([{"term": "MIR", "p": "0.5"}], "All.", "terms"))
    \begin{table*}
      \centering
      \small
      \caption{All.}
      \label{tab:terms}
      \begin{tabular}{lr}
        \toprule
        term & p \\
        \midrule
        MIR & 0.5 \\
        \bottomrule
      \end{tabular}
    \end{table*}
    """

    def line(cells: Sequence[str]) -> str:
        return "    " + " & ".join(escaped(cell) for cell in cells) + r" \\"

    columns = "l" + "r" * (len(rows[0]) - 1)
    return "\n".join(
        [
            r"\begin{table*}",
            r"  \centering",
            r"  \small",
            rf"  \caption{{{escaped(caption)}}}",
            rf"  \label{{tab:{label}}}",
            rf"  \begin{{tabular}}{{{columns}}}",
            r"    \toprule",
            line(list(rows[0])),
            r"    \midrule",
            *(line(list(row.values())) for row in rows),
            r"    \bottomrule",
            r"  \end{tabular}",
            r"\end{table*}",
        ]
    )
