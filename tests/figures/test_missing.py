"""A figure draws what the records have; one for which nothing is left says why, and the others are drawn."""

import re
from pathlib import Path

import pytest

from grok.config import GrokkingConfig, OptimiserConfig, SampledInformationTermConfig, TaskConfig
from grok.figures import FIGURES, draw_figures
from grok.tracking import Store
from tests.figures.helpers import add_run, constant, rises_at

ACCURACY = {"train/accuracy": constant(1.0), "test/accuracy": rises_at(500)}
SAMPLE = {"interplay/sample/test/mir": constant(0.4), "interplay/sample/test/hdr": constant(0.1)}
EMBEDDING = {
    f"{source}/embedding/{ratio}": constant(0.4) for source in ("interplay", "theory") for ratio in ("mir", "hdr")
}
SIZES = {f"interplay/sample-{size}/test/{ratio}": constant(0.4) for size in (64, 128) for ratio in ("mir", "hdr")}
# those of other experiments, of which the tests of each say when they are not drawn
OF_OTHERS = {"supervised", "label-smoothing", "connectivity", "pruning", "objectives", "semi-supervised"}


def draw(tmp_path, columns):
    """The figures that are drawn of one study of each kind, whose runs measured these columns."""
    adds = {
        "alone": [GrokkingConfig()],
        "operations": [GrokkingConfig(task=TaskConfig(operation=name)) for name in ("add", "subtract", "divide")],
        "moduli": [GrokkingConfig(task=TaskConfig(modulus=p, train_fraction=0.5)) for p in (31, 43, 59)],
        "controls": [GrokkingConfig(optimiser=OptimiserConfig(weight_decay=decay)) for decay in (0.0, 1.0)],
        "phase": [
            GrokkingConfig(task=TaskConfig(train_fraction=fraction), optimiser=OptimiserConfig(weight_decay=decay))
            for fraction in (0.2, 0.3, 0.4)
            for decay in (0.1, 0.5, 2.0)
        ],
        "interventions": [
            GrokkingConfig(information=SampledInformationTermConfig(term=term, weight=weight))
            for term, weight in (("none", 0.0), ("mir", 0.1))
        ],
    }
    for name, configs in adds.items():
        for config in configs:
            add_run(Store(tmp_path / "runs"), columns, config=config, sweeps=[name])
    stems = {path.stem for path in draw_figures(tuple(FIGURES), tmp_path / "runs", tmp_path / "plots")}
    return {name for name in FIGURES for stem in stems if stem.startswith(name)}


@pytest.mark.parametrize(
    ("columns", "drawn"),
    [
        (ACCURACY | EMBEDDING, set(FIGURES) - {"sample-sizes", "cost"} - OF_OTHERS),
        (SAMPLE, {"figure7", "operations", "moduli", "controls", "phase"}),
        (SIZES, {"sample-sizes"}),
    ],
    ids=["accuracy and embedding", "sample", "sizes"],
)
def test_every_figure_is_drawn_that_has_something_to_show_and_no_other(tmp_path, columns, drawn):
    assert draw(tmp_path, columns) == drawn


@pytest.mark.parametrize("columns", [{}, {"weight_norm": constant(1.0)}], ids=["no record", "no such measure"])
def test_a_figure_with_nothing_to_show_names_what_it_needs_and_the_probe(tmp_path, capsys, columns):
    assert draw(tmp_path, columns) == set()
    lines = capsys.readouterr().err.splitlines()
    accuracy, mir = "test/accuracy (probes.accuracy)", "interplay/sample/test/mir (probes.sample)"
    assert f"grok: figure phase not drawn for phase: its records have no {accuracy} or {mir}" in lines
    assert f"grok: figure lead-time not drawn for controls: its records have no {accuracy}" in lines
    assert {line.split()[2] for line in lines} == set(FIGURES) - {"sample-sizes", "cost"} - OF_OTHERS


def test_a_page_says_of_every_figure_what_it_is_drawn_of():
    page = (Path(__file__).parents[2] / "plots" / "README.md").read_text()
    rows = page.partition("\n| figure | ")[2].partition("\n\n")[0].splitlines()[2:]
    assert [name for row in rows for name in re.findall("`([^`]+)`", row.split("|")[1])] == list(FIGURES)
