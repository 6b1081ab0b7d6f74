"""Figure 7 shows what the records hold, and nothing else."""

import numpy as np
import pandas as pd
import pytest

from grok.config import GrokkingConfig, OptimiserConfig, config_hash
from grok.figures import draw_figures, figure7
from grok.figures.records import finished_groups
from grok.tracking import Store
from tests.figures import helpers
from tests.figures.helpers import constant

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
    """Every column a known function of step and seed."""
    return {name: lambda steps, index=index: (steps / 2000 + index + seed) / 20 for index, name in enumerate(COLUMNS)}


def add_run(store, *, seed, **settings):
    return helpers.add_run(store, columns_of(seed), seed=seed, **settings)


@pytest.fixture
def store(tmp_path):
    store = Store(tmp_path / "runs")
    for seed in (1, 0):
        add_run(store, seed=seed)
    return store


def test_the_csv_holds_the_records_values_of_every_seed_at_log_spaced_steps(store, tmp_path):
    png, pdf, csv = draw_figures(["figure7"], store.root, tmp_path / "plots")
    assert png.read_bytes()[:4] == b"\x89PNG"
    assert pdf.read_bytes()[:5] == b"%PDF-"
    plotted = pd.read_csv(csv)
    assert sorted(plotted["seed"].unique()) == [0, 1]
    assert plotted["step"].max() == 2000
    assert plotted["step"].min() == 0
    for index, column in enumerate(COLUMNS):
        expected = (plotted["step"] / 2000 + index + plotted["seed"]) / 20
        measured = plotted[column].notna()
        assert measured.sum() > 100
        np.testing.assert_allclose(plotted[column][measured], expected[measured], rtol=1e-5)


def test_the_same_records_give_the_same_bytes(store, tmp_path):
    first = draw_figures(["figure7"], store.root, tmp_path / "one")
    second = draw_figures(["figure7"], store.root, tmp_path / "two")
    assert [path.read_bytes() for path in first] == [path.read_bytes() for path in second]


def test_unfinished_runs_and_other_experiments_are_not_drawn(tmp_path):
    store = Store(tmp_path / "runs")
    add_run(store, seed=0, status="interrupted")
    add_run(store, seed=0, experiment="supervised")
    assert draw_figures(["figure7"], store.root, tmp_path / "plots") == []


def test_reference_records_are_drawn_into_their_own_folder(tmp_path):
    add_run(Store(tmp_path / "runs" / "reference"), seed=0)
    written = draw_figures(["figure7"], tmp_path / "runs", tmp_path / "plots")
    assert {path.parent for path in written} == {tmp_path / "plots" / "reference"}


def test_the_picture_is_stamped_with_its_runs(store, tmp_path):
    png, _, _ = draw_figures(["figure7"], store.root, tmp_path / "plots")
    ids = ", ".join(run.id for group in finished_groups(store.root) for run in group.runs.values())
    assert f"runs: {ids}".encode() in png.read_bytes()


def test_a_run_that_measured_no_pairing_is_left_out_with_a_line(tmp_path, capsys):
    run = helpers.add_run(Store(tmp_path / "runs"), {"test/accuracy": constant(1.0)})
    assert draw_figures(["figure7"], tmp_path / "runs", tmp_path / "plots") == []
    name = run.id.removesuffix("-seed0")
    assert capsys.readouterr().err.startswith(f"grok: figure figure7 not drawn for {name}: its records have no ")


def test_configs_of_a_larger_sweep_are_not_drawn_one_by_one(tmp_path):
    store = Store(tmp_path / "runs")
    for decay in (0.5, 1.0):
        config = GrokkingConfig(optimiser=OptimiserConfig(weight_decay=decay))
        add_run(store, seed=0, config=config, sweeps=["two"])
    assert draw_figures(["figure7"], store.root, tmp_path / "plots") == []


def test_the_config_that_has_controls_is_drawn_and_they_are_not(tmp_path):
    store = Store(tmp_path / "runs")
    for decay in (0.0, 1.0):
        config = GrokkingConfig(optimiser=OptimiserConfig(weight_decay=decay))
        add_run(store, seed=0, config=config, sweeps=["two"])
    written = draw_figures(["figure7"], store.root, tmp_path / "plots")
    assert [path.stem for path in written] == [f"figure7-add-p113-{config_hash(config)}"] * 3


def drawn_by(monkeypatch, store, tmp_path):
    drawn = {}
    monkeypatch.setattr(
        figure7, "write_figure", lambda figure, plotted, *_, **__: drawn.update(f=figure, p=plotted) or []
    )
    draw_figures(["figure7"], store.root, tmp_path)
    return drawn["f"], drawn["p"]


def test_the_lines_of_many_seeds_are_their_median(tmp_path, monkeypatch):
    store = Store(tmp_path / "runs")
    for seed in range(5):
        add_run(store, seed=seed)
    figure, plotted = drawn_by(monkeypatch, store, tmp_path)
    column = "interplay/prototype/test/mir"
    expected = (plotted.query("column == @column")["step"] // 10 * 10 / 2000 + COLUMNS.index(column) + 2) / 20
    assert any(np.allclose(line.get_ydata(), expected) for line in figure.axes[0].lines if len(line.get_ydata()) > 2)
    assert "5 seeds: median, and band from 10 % to 90 %" in figure.get_suptitle()


def test_both_theories_are_drawn(tmp_path, monkeypatch):
    store = Store(tmp_path / "runs")
    theory = {"theory/prototype/mir": constant(0.37), "theory/embedding/hdr": constant(0.06)}
    helpers.add_run(store, columns_of(0) | theory)
    figure, _ = drawn_by(monkeypatch, store, tmp_path)
    labels = [line.get_label() for axis in (figure.axes[0], figure.axes[5]) for line in axis.lines]
    assert "MIR of a Fourier circuit, from the measured spectra" in labels
    assert "HDR of a Fourier circuit, from the measured spectra" in labels
    assert "MIR at neural collapse (0.998)" in labels
    assert any(set(line.get_ydata()) == {0.37} for line in figure.axes[0].lines)


def test_the_lines_are_the_values_in_the_csv(store, tmp_path, monkeypatch):
    figure, plotted = drawn_by(monkeypatch, store, tmp_path)
    columns = {0: "interplay/prototype/test/mir", 1: "interplay/sample/test/mir", 5: "interplay/embedding/hdr"}
    for panel, column in columns.items():
        for seed in (0, 1):
            expected = plotted.query("seed == @seed").set_index("step")[column].dropna()
            assert any(
                np.array_equal(line.get_xdata(), expected.index + 1) and np.array_equal(line.get_ydata(), expected)
                for line in figure.axes[panel].lines
            ), f"{column} of seed {seed} is not drawn"
