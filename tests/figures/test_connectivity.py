"""The networks between two others are drawn against omega with their barriers; networks in training are not drawn."""

from dataclasses import replace

import numpy as np
import pytest

from grok.config import ClassifierProbesConfig, ConnectivityConfig, GrokkingConfig, OptimiserConfig
from grok.figures import connectivity
from grok.tracking import Store
from tests.figures.helpers import add_run, by_place, constant, drawings, legend_of

OMEGAS = np.linspace(0, 1, 5)
BUMP = 4 * OMEGAS * (1 - OMEGAS)  # it is 1 in the middle
OMEGA, RECOMPUTED, RATE = "connectivity/omega", "connectivity/recomputed", "optimiser.learning_rate"


def config_of(rate=0.03, **settings):
    optimiser = OptimiserConfig(rule="sgd", learning_rate=rate)
    probes = ClassifierProbesConfig(sample_size=64)
    return ConnectivityConfig(steps=20, points=5, optimiser=optimiser, probes=probes, **settings)


def columns_of(*, height=2.0, first_loss=0.25, last_loss=0.75):
    """Return accuracy 0.9 in training and 0.1 to 0.5 between, and a sloping loss with a bump unless recomputed."""
    slope = first_loss + (last_loss - first_loss) * OMEGAS
    return {
        OMEGA: by_place(40, np.tile(OMEGAS, 2)),
        RECOMPUTED: by_place(40, np.repeat([0.0, 1.0], 5)),
        "test/accuracy": by_place(40, np.linspace(0.1, 0.5, 10), before=0.9),
        "test/loss": by_place(40, [*(slope + height * BUMP), *slope], before=9.0),
        "interplay/sample/test/mir": by_place(40, np.linspace(0.6, 0.7, 10)),
        "interplay/sample/test/hdr": by_place(40, np.linspace(0.2, 0.3, 10)),
    }


def add(tmp_path, columns, *, config=None, experiment="connectivity", **settings):
    store = Store(tmp_path / "runs")
    return add_run(store, columns, config=config or config_of(), steps=49, every=1, experiment=experiment, **settings)


def draw(tmp_path):
    return drawings("connectivity", tmp_path / "runs")


def test_the_table_holds_the_networks_between_and_no_training(tmp_path):
    for seed in range(2):
        add(tmp_path, columns_of(), seed=seed)
    plotted = draw(tmp_path)[0].table
    assert plotted["seed"].tolist() == [0] * 10 + [1] * 10
    np.testing.assert_allclose(plotted[OMEGA], np.tile(OMEGAS, 4))
    np.testing.assert_allclose(plotted[RECOMPUTED], np.tile(np.repeat([0, 1], 5), 2))
    np.testing.assert_allclose(plotted["test/accuracy"], np.tile(np.linspace(0.1, 0.5, 10), 2), rtol=1e-5)
    np.testing.assert_allclose(plotted["interplay/sample/test/mir"], np.tile(np.linspace(0.6, 0.7, 10), 2), rtol=1e-5)


def test_barriers_are_of_each_seed_and_their_median_is_in_the_legend(tmp_path):
    for seed, height in enumerate((1.0, 2.0, 5.0)):
        add(tmp_path, columns_of(height=height), seed=seed)
    (drawing,) = draw(tmp_path)
    barriers = drawing.tables["barriers"]
    assert barriers.query("`connectivity/recomputed` == 0")["barrier"].tolist() == [1.0, 2.0, 5.0]
    assert barriers.query("`connectivity/recomputed` == 1")["barrier"].tolist() == [0.0, 0.0, 0.0]
    assert legend_of(drawing.figure) == [
        "learning rate 0.03, statistics recomputed: barrier 0.000 nats",
        "learning rate 0.03, statistics interpolated: barrier 2.000 nats",
    ]


def test_the_markdown_holds_barriers_and_what_was_measured_at_one_end_and_in_the_middle(tmp_path):
    for seed, height in enumerate((1.0, 2.0, 5.0)):
        add(tmp_path, columns_of(height=height), seed=seed, sweeps=["rates"])
    add(tmp_path, columns_of(height=0.0), config=config_of(0.3), sweeps=["rates"])
    (drawing,) = draw(tmp_path)
    barriers, text, interplay, below = drawing.markdown.split("\n\n")
    assert barriers.splitlines()[::2] == [
        "| learning rate | statistics | barrier, nats | accuracy at omega 0 | accuracy at omega 0.5 |",
        "| 0.3 | recomputed | 0.000 | 32.2% | 41.1% |",
        "| 0.03 | recomputed | 0.000 | 32.2% | 41.1% |",
    ]
    assert barriers.splitlines()[-1] == "| 0.03 | interpolated | 2.000 (1.000 to 5.000) | 10.0% | 18.9% |"
    assert text.startswith("mnist1d-conv1d-64, test split, 3 seeds: medians")
    assert interplay.splitlines()[-1] == "| 0.03 | interpolated | 0.600 | 0.622 | 0.044 | 0.200 | 0.222 | 0.044 |"
    assert below.startswith("n = 64 in `sample`; range: ")


def test_learning_rates_of_a_sweep_share_a_figure_and_have_a_colour_each(tmp_path):
    for rate in (0.003, 0.03):
        columns = columns_of() | {"test/accuracy": constant(10 * rate)}
        add(tmp_path, columns, config=config_of(rate), sweeps=["rates"])
    (drawing,) = draw(tmp_path)
    assert drawing.name == "connectivity-rates"
    lines = drawing.figure.axes[0].lines
    assert [line.get_ydata()[0] for line in lines] == [0.3, pytest.approx(0.03)] * 2
    assert [line.get_linestyle() for line in lines] == ["-", "-", "--", "--"]
    assert [line.get_color() for line in lines] == [connectivity.COLOURS[place] for place in (0, 1, 0, 1)]


def test_configs_that_differ_in_more_than_the_learning_rate_have_figures_of_their_own(tmp_path):
    for smoothing in (0.0, 0.1):
        add(tmp_path, columns_of(), config=config_of(label_smoothing=smoothing), sweeps=["two"])
    names = {drawing.name for drawing in draw(tmp_path)}
    assert names == {"connectivity-two-label_smoothing-0.0", "connectivity-two-label_smoothing-0.1"}


def test_the_lines_of_many_seeds_are_their_median(tmp_path):
    for seed in range(5):
        add(tmp_path, columns_of() | {"test/accuracy": constant(0.1 * seed**2)}, seed=seed)
    (axis, *_) = draw(tmp_path)[0].figure.axes
    assert [line.get_ydata().tolist() for line in axis.lines] == [[0.4] * 5] * 2
    assert len(axis.collections) == 2


def test_panels_name_pairing_and_n_and_those_not_measured_are_left_out(tmp_path):
    add(tmp_path, columns_of())
    panels = [axis.get_title() for axis in draw(tmp_path)[0].figure.axes if axis.get_visible()]
    assert panels == ["accuracy", "MIR, sample, n = 64", "HDR, sample, n = 64", "loss"]


def test_without_the_loss_there_is_no_barrier_and_the_rest_is_drawn(tmp_path):
    columns = columns_of()
    del columns["test/loss"]
    add(tmp_path, columns)
    (drawing,) = draw(tmp_path)
    labels = ["learning rate 0.03, statistics recomputed", "learning rate 0.03, statistics interpolated"]
    assert legend_of(drawing.figure) == labels
    assert "| 0.03 | recomputed | – | 32.2% | 41.1% |" in drawing.markdown


def test_a_run_without_omegas_is_left_out_with_a_line(tmp_path, capsys):
    run = add(tmp_path, {"test/accuracy": constant(0.5)})
    assert draw(tmp_path) == []
    name = run.id.removesuffix("-seed0")
    line = f"grok: figure connectivity not drawn for {name}: its records have no connectivity/omega (probes.accuracy)"
    assert capsys.readouterr().err.startswith(line)


@pytest.mark.parametrize(
    "other",
    [{"status": "interrupted"}, {"experiment": "grokking", "config": replace(GrokkingConfig(), steps=20)}],
)
def test_unfinished_runs_and_other_experiments_are_not_drawn(tmp_path, other):
    add(tmp_path, columns_of(), **other)
    assert draw(tmp_path) == []
