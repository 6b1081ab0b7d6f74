"""Tables in LaTeX, to be put into a paper as they are."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from grok.figures.markdown import table, write_markdown

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


def escaped(text: str) -> str:
    r"""Text as LaTeX sets it; what is between backticks is code there as in Markdown.

    >>> print(escaped("`sample_size`: 5 % ± 1"))
    \texttt{sample\_size}: 5 \% $\pm$ 1
    """
    parts = ["".join(SPECIAL.get(letter, letter) for letter in part) for part in text.split("`")]
    return "".join(rf"\texttt{{{part}}}" if place % 2 else part for place, part in enumerate(parts))


def latex_table(rows: Sequence[Mapping[str, str]], caption: str, label: str) -> str:
    r"""Rows of cells by their headings, the same in each, the first column to the left; needs the package booktabs.

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


def write_tables(folder: Path, name: str, rows: Sequence[Mapping[str, str]], text: str) -> list[Path]:
    """Write a table in Markdown and in LaTeX beside the figure of this name; the text is below it, or its caption."""
    path = folder / f"{name}.tex"
    written = write_markdown(folder, name, [table(rows), text])
    path.write_text(latex_table(rows, text, name) + "\n", encoding="utf-8")
    return [written, path]
