"""Drawing in the project's style leaves the user's own settings alone, and nothing lies over anything."""

import matplotlib as mpl
import pandas as pd
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine

from grok.figures.style import SETTINGS, own_legend, shared_legend, styled, write_figure


def test_the_style_ends_with_its_block():
    before = mpl.rcParams["font.size"]
    with styled():
        assert mpl.rcParams["font.size"] == SETTINGS["font.size"] != before
    assert mpl.rcParams["font.size"] == before


def test_a_shared_legend_stands_between_the_axes_and_a_stamp_that_keeps_to_the_picture(tmp_path):
    stamp = "study: " + ", ".join(f"{number:08x}" for number in range(50))
    with styled():
        figure = Figure(figsize=(8, 4), layout=ConstrainedLayoutEngine(rect=(0, 0.06, 1, 0.94)))
        for axis in figure.subplots(1, 2):
            axis.plot([1, 2], label="a line")
            axis.set_xlabel("step")
        shared_legend(figure, columns=2)
        png, _, _ = write_figure(figure, pd.DataFrame(), tmp_path, "x", stamp=stamp)
    renderer = FigureCanvasAgg(figure).get_renderer()
    legend, shown = figure.legends[0].get_window_extent(renderer), figure.texts[0].get_window_extent(renderer)
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["a line"]
    assert shown.y1 <= legend.y0
    assert all(legend.y1 <= axis.xaxis.get_tightbbox(renderer).y0 for axis in figure.axes)
    assert shown.x0 >= 0
    assert stamp.encode() in png.read_bytes()


def test_a_panels_own_legend_has_each_of_its_labels_once():
    axis, other = Figure().subplots(1, 2)
    for label in ("one", "one", "two"):
        axis.plot([0, 1], label=label)
    other.plot([0, 1], label="three")
    own_legend(axis)
    assert [text.get_text() for text in axis.get_legend().get_texts()] == ["one", "two"]
