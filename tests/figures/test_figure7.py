"""Figure 7 shows exactly the values in the records."""

import numpy as np
import pytest

from grok.config import GrokkingConfig, OptimiserConfig, SupervisedConfig, config_hash
from grok.tracking import Store
from tests.figures import helpers
from tests.figures.helpers import constant, drawings

COLUMNS = [
    "train/accuracy",
    "test/accuracy",
    *(
        f"interplay/{pairing}/{split}/{ratio}"
        for pairing in ("prototype", "sample")
        for split in ("train", "test")
        for ratio in ("mir", "hdr")
    ),
    "interplay/embedding/mir",
    "interplay/embedding/hdr",
]


def columns_of(seed):
    """Return columns that are known functions of step and seed."""
    return {name: lambda steps, index=index: (steps / 2000 + index + seed) / 20 for index, name in enumerate(COLUMNS)}


def add_run(store, *, seed, **settings):
    return helpers.add_run(store, columns_of(seed), seed=seed, **settings)


@pytest.fixture(scope="module")
def drawing(tmp_path_factory):
    """Return the drawing of two seeds of one config."""
    store = Store(tmp_path_factory.mktemp("runs"))
    for seed in (1, 0):
        add_run(store, seed=seed)
    (drawing,) = drawings("figure7", store.root)
    return drawing


def test_the_table_holds_the_records_values_of_every_seed_at_log_spaced_steps(drawing):
    plotted = drawing.table
    assert sorted(plotted["seed"].unique()) == [0, 1]
    assert plotted["step"].max() == 2000
    assert plotted["step"].min() == 0
    for index, column in enumerate(COLUMNS):
        expected = (plotted["step"] / 2000 + index + plotted["seed"]) / 20
        measured = plotted[column].notna()
        assert measured.sum() > 100
        np.testing.assert_allclose(plotted[column][measured], expected[measured], rtol=1e-5)


def test_unfinished_runs_and_other_experiments_are_not_drawn(tmp_path):
    store = Store(tmp_path)
    add_run(store, seed=0, status="interrupted")
    add_run(store, seed=0, experiment="supervised", config=SupervisedConfig())
    assert drawings("figure7", tmp_path) == []


def test_it_is_stamped_with_its_runs(drawing):
    name = f"add-p113-{config_hash(GrokkingConfig())}"
    assert drawing.stamp == f"runs: {name}-seed0, {name}-seed1"
    assert drawing.figure.texts[-1].get_text() == drawing.stamp


def test_a_run_that_measured_no_pairing_is_left_out_with_a_line(tmp_path, capsys):
    run = helpers.add_run(Store(tmp_path), {"test/accuracy": constant(1.0)})
    assert drawings("figure7", tmp_path) == []
    name = run.id.removesuffix("-seed0")
    assert capsys.readouterr().err.startswith(f"grok: figure figure7 not drawn for {name}: its records have no ")


def test_configs_of_a_larger_sweep_are_not_drawn_one_by_one(tmp_path):
    for decay in (0.5, 1.0):
        config = GrokkingConfig(optimiser=OptimiserConfig(weight_decay=decay))
        add_run(Store(tmp_path), seed=0, config=config, sweeps=["two"])
    assert drawings("figure7", tmp_path) == []


def test_the_config_that_has_controls_is_drawn_and_they_are_not(tmp_path):
    for decay in (0.0, 1.0):
        config = GrokkingConfig(optimiser=OptimiserConfig(weight_decay=decay))
        add_run(Store(tmp_path), seed=0, config=config, sweeps=["two"])
    (drawing,) = drawings("figure7", tmp_path)
    assert drawing.name == f"figure7-add-p113-{config_hash(config)}"


def test_the_lines_of_many_seeds_are_their_median(tmp_path):
    for seed in range(5):
        add_run(Store(tmp_path), seed=seed)
    (drawing,) = drawings("figure7", tmp_path)
    column = "interplay/prototype/test/mir"
    steps = drawing.table.query("column == @column")["step"]
    expected = (steps // 10 * 10 / 2000 + COLUMNS.index(column) + 2) / 20
    lines = [line.get_ydata() for line in drawing.figure.axes[0].lines if len(line.get_ydata()) > 2]
    assert any(np.allclose(line, expected) for line in lines)
    assert "5 seeds: median, and band from 10 % to 90 %" in drawing.figure.get_suptitle()


def test_both_theories_are_drawn(tmp_path):
    theory = {"theory/prototype/mir": constant(0.37), "theory/embedding/hdr": constant(0.06)}
    helpers.add_run(Store(tmp_path), columns_of(0) | theory)
    axes = drawings("figure7", tmp_path)[0].figure.axes
    labels = [line.get_label() for axis in (axes[0], axes[5]) for line in axis.lines]
    assert "MIR of a Fourier circuit, from the measured spectra" in labels
    assert "HDR of a Fourier circuit, from the measured spectra" in labels
    assert "MIR at neural collapse (0.998)" in labels
    assert any(set(line.get_ydata()) == {0.37} for line in axes[0].lines)


def test_the_lines_are_the_values_in_the_table(drawing):
    columns = {0: "interplay/prototype/test/mir", 1: "interplay/sample/test/mir", 5: "interplay/embedding/hdr"}
    for panel, column in columns.items():
        for seed in (0, 1):
            expected = drawing.table.query("seed == @seed").set_index("step")[column].dropna()
            assert any(
                np.array_equal(line.get_xdata(), expected.index + 1) and np.array_equal(line.get_ydata(), expected)
                for line in drawing.figure.axes[panel].lines
            ), f"{column} of seed {seed} is not drawn"
