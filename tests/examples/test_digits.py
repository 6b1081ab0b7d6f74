"""The example is as short as it says, learns, and prints what it measures."""

from pathlib import Path

from grok.examples import digits


def test_it_learns_in_under_forty_lines_of_program(capsys):
    assert len(Path(digits.__file__).read_text().splitlines()) < 40
    digits.main(epochs=4)
    header, *rows, collapse = capsys.readouterr().out.splitlines()
    assert header.split()[:5] == ["epoch", "test", "accuracy", "MIR", "HDR"]
    table = [[float(cell.rstrip("%")) for cell in row.split()] for row in rows]
    assert [row[0] for row in table] == [1, 2, 3, 4]
    assert table[-1][1] > 60
    assert table[-1][2] > table[0][2] + 0.1  # MIR rises while it learns
    assert all(0 < row[2] < 1 and 0 < row[3] < 1 for row in table)
    assert collapse.split() == ["neural", "collapse", "0.952", "0.000"]
