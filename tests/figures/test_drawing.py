"""A drawing is stamped and laid out, pyplot does not change, and the same values give the same files."""

from dataclasses import replace

import matplotlib as mpl
import matplotlib.pyplot as plt
import pandas as pd
import pytest

from grok.figures import Drawing, FigureKind
from grok.figures.records import Source, Study
from grok.figures.style import SETTINGS, panels, shared_legend

STAMP = "study: " + ", ".join(f"{number:08x}" for number in range(50))


def picture(study):
    figure, axes = panels(2, across=2, size=(4.0, 4.0), foot=0.06, xlabel="step")
    for axis in axes:
        axis.plot([1, 2], label="a line")
    shared_legend(figure, columns=2)
    return Drawing(
        name=study.file_name("example"),
        figure=figure,
        table=pd.DataFrame({"x": [1 / 3]}),
        stamp=STAMP,
        tables={"more": pd.DataFrame({"y": [2]})},
        markdown="| x |",
        latex="x",
    )


EXAMPLE = FigureKind(name="example", about="each study", subjects=lambda source: source.studies, picture=picture)
STUDY = Study(name="mine", groups=[])


@pytest.fixture(scope="module")
def drawing():
    return EXAMPLE.draw(STUDY)


def test_a_shared_legend_stands_between_the_axes_and_a_stamp_that_keeps_to_the_picture(drawing):
    figure, renderer = drawing.figure, drawing.figure.canvas.get_renderer()
    legend, shown = figure.legends[0].get_window_extent(renderer), figure.texts[0].get_window_extent(renderer)
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["a line"]
    assert shown.y1 <= legend.y0
    assert all(legend.y1 <= axis.xaxis.get_tightbbox(renderer).y0 for axis in figure.axes)
    assert shown.x0 >= 0


def test_the_files_are_the_picture_with_its_whole_stamp_its_tables_and_its_texts(drawing, tmp_path):
    written = drawing.write(tmp_path / "plots")
    names = ["example-mine.png", "example-mine.pdf", "example-mine.csv", "example-mine-more.csv"]
    assert [path.name for path in written] == [*names, "example-mine.md", "example-mine.tex"]
    png, pdf, *texts = [path.read_bytes() for path in written]
    assert (png[:4], pdf[:5]) == (b"\x89PNG", b"%PDF-")
    assert STAMP.encode() in png
    assert [text.decode() for text in texts] == ["x\n0.333333\n", "y\n2\n", "| x |\n", "x\n"]


def test_what_a_drawing_has_not_is_not_written(drawing, tmp_path):
    written = replace(drawing, tables={}, markdown="", latex="").write(tmp_path)
    assert [path.suffix for path in written] == [".png", ".pdf", ".csv"]


def test_the_same_values_give_the_same_bytes(drawing, tmp_path):
    first, again = drawing.write(tmp_path / "one"), drawing.write(tmp_path / "again")
    anew = EXAMPLE.draw(STUDY).write(tmp_path / "anew")
    contents = [[path.read_bytes() for path in written] for written in (first, again, anew)]
    assert contents[0] == contents[1] == contents[2]


def test_the_users_settings_are_neither_touched_nor_read_and_pyplot_knows_of_no_figure(monkeypatch, drawing, tmp_path):
    for name, value in {"font.size": 30, "axes.grid": False, "savefig.dpi": 20}.items():
        monkeypatch.setitem(mpl.rcParams, name, value)
    other = EXAMPLE.draw(STUDY)
    for path, plain in zip(other.write(tmp_path / "other"), drawing.write(tmp_path / "plain"), strict=True):
        assert path.read_bytes() == plain.read_bytes()
    assert mpl.rcParams["font.size"] == 30 != SETTINGS["font.size"]
    assert plt.get_fignums() == []


def test_every_subject_with_something_to_show_is_drawn_and_of_the_others_a_line_says_what_is_missing(tmp_path, capsys):
    studies = [STUDY, replace(STUDY, name="other")]
    kind = FigureKind(
        name="example",
        about="each study",
        subjects=lambda source: studies,
        picture=lambda study: picture(study) if study is STUDY else None,
        needs={"x": "accuracy", "y": "norms"},
    )
    assert [drawing.name for drawing in kind.drawings(Source(tmp_path, []))] == ["example-mine"]
    line = "grok: figure example not drawn for other: its records have no x (probes.accuracy) or y (probes.norms)\n"
    assert capsys.readouterr().err == line
