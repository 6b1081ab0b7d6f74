"""The example is short, learns, and prints its measurements."""

import sys
from pathlib import Path

import pytest

from grok.examples import digits


def test_it_learns_in_under_forty_lines_of_program(capsys):
    assert len(Path(digits.__file__).read_text().splitlines()) < 40
    digits.main(epochs=8)
    header, *rows, collapse = capsys.readouterr().out.splitlines()
    assert header.split()[:5] == ["epoch", "train", "test", "MIR", "HDR"]
    table = [[float(cell.rstrip("%")) for cell in row.split()] for row in rows]
    assert [row[0] for row in table] == list(range(1, 9))
    assert min(table[-1][1:3]) > 90
    assert all(0 < ratio < 1 for row in table for ratio in row[3:])
    assert table[-1][3] > table[0][3] + 0.05  # MIR rises and HDR falls while it learns
    assert table[-1][4] < table[0][4] - 0.05
    assert collapse.split() == ["neural", "collapse:", "0.952", "0.000"]


def test_without_scikit_learn_it_says_how_to_get_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "sklearn", None)
    monkeypatch.setitem(sys.modules, "sklearn.datasets", None)
    with pytest.raises(
        SystemExit, match=r"scikit-learn: expected an installation, got none \(pip install scikit-learn\)"
    ):
        digits.main()
