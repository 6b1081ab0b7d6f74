"""The project's style does not change the user's own settings, and panels stand in rows with their legends."""

import matplotlib as mpl
from matplotlib.figure import Figure

from grok.figures.style import SETTINGS, own_legend, panels, styled
from tests.figures.helpers import legend_of


def test_the_style_ends_with_its_block():
    before = mpl.rcParams["font.size"]
    with styled():
        assert mpl.rcParams["font.size"] == SETTINGS["font.size"] != before
    assert mpl.rcParams["font.size"] == before


def test_panels_stand_in_rows_the_others_are_hidden_and_the_lowest_of_each_column_have_the_label():
    figure, axes = panels(4, across=3, size=(2.0, 3.0), more=(0.5, 1.0), xlabel="step")
    assert figure.get_size_inches().tolist() == [6.5, 7.0]
    assert [axis.get_visible() for axis in figure.axes] == [True] * 4 + [False] * 2
    assert axes == figure.axes[:4]
    assert [axis.get_xlabel() for axis in axes] == ["", "step", "step", "step"]
    figure.draw_without_rendering()
    shown = [any(tick.label1.get_visible() for tick in axis.xaxis.get_major_ticks()) for axis in axes]
    assert shown == [False, True, True, True]


def test_few_panels_have_a_row_as_wide_as_the_least_width():
    figure, (axis,) = panels(1, across=3, size=(2.0, 3.0), least_width=7.5)
    assert figure.get_size_inches().tolist() == [7.5, 3.0]
    assert figure.axes == [axis]


def test_a_panels_own_legend_has_each_of_its_labels_once():
    axis, other = Figure().subplots(1, 2)
    for label in ("one", "one", "two"):
        axis.plot([0, 1], label=label)
    other.plot([0, 1], label="three")
    own_legend(axis)
    assert legend_of(axis) == ["one", "two"]
