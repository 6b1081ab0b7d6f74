"""Drawing in the project's style leaves the user's own settings alone."""

import matplotlib as mpl

from grok.figures.style import SETTINGS, styled


def test_the_style_ends_with_its_block():
    before = mpl.rcParams["font.size"]
    with styled():
        assert mpl.rcParams["font.size"] == SETTINGS["font.size"] != before
    assert mpl.rcParams["font.size"] == before
