"""Tables in LaTeX can be put into a paper as they are: every special letter is escaped."""

import re

import pytest

from grok.figures.latex import escaped, latex_table, write_tables

ROWS = [{"term, weight": "ΔH, −0.1", "accuracy, %": "95.00 ± 1.20", "p": "< 0.001"}, dict.fromkeys("abc", "–")]


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


def test_the_file_is_plain_ascii_and_stands_beside_the_figure(tmp_path):
    rows = [{"term, weight": "ΔH, −0.1", "p": "0.002"}]
    markdown, path = write_tables(tmp_path / "plots", "objectives-mine", rows, "All.")
    assert (markdown.name, path.name) == ("objectives-mine.md", "objectives-mine.tex")
    assert markdown.read_text().splitlines()[2:] == ["| ΔH, −0.1 | 0.002 |", "", "All."]
    text = path.read_bytes().decode("ascii")
    assert text == latex_table(rows, "All.", "objectives-mine") + "\n"
    assert not re.search(r"(?<!\\)%", text)
