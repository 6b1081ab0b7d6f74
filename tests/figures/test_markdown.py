"""Tables for a text: medians with what they vary by, a dash for what is not there."""

import numpy as np
import pandas as pd
import pytest

from grok.figures.markdown import median_cell, table, write_markdown

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


def test_parts_are_paragraphs_of_a_file_in_a_folder_that_is_made(tmp_path):
    path = write_markdown(tmp_path / "plots", "mine", [table([{"a": "1", "b": "2"}, {"a": "3", "b": "4"}]), "Below."])
    assert path == tmp_path / "plots" / "mine.md"
    assert path.read_text() == "| a | b |\n| --- | --- |\n| 1 | 2 |\n| 3 | 4 |\n\nBelow.\n"
