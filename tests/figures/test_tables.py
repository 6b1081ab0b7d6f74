"""Tables have medians with quantiles, a dash for what was not measured, and LaTeX that a paper can include."""

import numpy as np
import pandas as pd
import pytest

from grok.figures.tables import escaped, latex_table, median_cell

ROWS = [{"term, weight": "ΔH, −0.1", "accuracy, %": "95.00 ± 1.20", "p": "< 0.001"}, dict.fromkeys("abc", "–")]
FIVE = pd.Series([0.1, 0.2, 0.3, 0.4, 0.5])


@pytest.mark.parametrize(
    ("column", "written"),
    [
        ("test/accuracy", "30.0% (14.0% to 46.0%)"),
        ("interplay/sample/test/mir", "0.300 (0.140 to 0.460)"),
        ("collapse/test/nc1", "0.3 (0.14 to 0.46)"),
    ],
)
def test_a_median_has_its_quantiles_and_the_form_of_its_measure(column, written):
    assert median_cell(FIVE, column) == written
    assert median_cell(FIVE.astype(np.float32), column) == written


def test_quantiles_that_are_written_alike_are_left_out_and_no_value_is_a_dash():
    assert median_cell(0.3 + FIVE / 10_000, "test/loss") == "0.300"
    assert median_cell(FIVE[:0], "test/loss") == median_cell(FIVE * np.nan, "test/loss") == "–"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("100 % of #1 & #2", r"100 \% of \#1 \& \#2"),
        (r"a_b^c~{d}$\e", r"a\_b\textasciicircum{}c\textasciitilde{}\{d\}\$\textbackslash{}e"),
        ("−1 ± 2 – ΔH < 3", r"$-$1 $\pm$ 2 -- $\Delta$H $<$ 3"),
        ("HDR, `sample_size` and `n`", r"HDR, \texttt{sample\_size} and \texttt{n}"),
        ("MIR (0 to 1): 5, 6.", "MIR (0 to 1): 5, 6."),
    ],
)
def test_letters_that_latex_reads_as_commands_are_written_out(text, expected):
    assert escaped(text) == expected


def test_a_table_has_a_line_a_row_with_as_many_cells_as_columns():
    lines = latex_table(ROWS, "Means ± half, `n` = 5 %.", "mine").splitlines()
    assert lines[:3] == [r"\begin{table*}", r"  \centering", r"  \small"]
    assert lines[3:5] == [r"  \caption{Means $\pm$ half, \texttt{n} = 5 \%.}", r"  \label{tab:mine}"]
    assert [line.strip() for line in lines[5:12]] == [
        r"\begin{tabular}{lrr}",
        r"\toprule",
        r"term, weight & accuracy, \% & p \\",
        r"\midrule",
        r"$\Delta$H, $-$0.1 & 95.00 $\pm$ 1.20 & $<$ 0.001 \\",
        r"-- & -- & -- \\",
        r"\bottomrule",
    ]
    assert lines[12:] == [r"  \end{tabular}", r"\end{table*}"]
    assert "\n".join(lines).isascii()
