"""The phase diagram's cells are medians over seeds, of runs that grokked."""

import math

import pandas as pd

from grok.config import GrokkingConfig, OptimiserConfig, TaskConfig
from grok.figures import draw_figures
from grok.tracking import Store
from tests.figures.helpers import add_run, constant, rises_at

DECAYS, FRACTIONS = (0.0, 0.5, 1.0), (0.2, 0.3, 0.4)


def config(decay, fraction):
    return GrokkingConfig(
        task=TaskConfig(train_fraction=fraction), optimiser=OptimiserConfig(weight_decay=decay), settle=None
    )


def add_cell(store, decay, fraction, steps, mir):
    for seed, step in enumerate(steps):
        columns = {
            "train/accuracy": constant(1.0),
            "test/accuracy": constant(0.1) if step is None else rises_at(step),
            "interplay/sample/test/mir": constant(mir + 0.01 * seed),
            "interplay/sample/test/hdr": constant(0.1),
        }
        add_run(store, columns, seed=seed, config=config(decay, fraction), sweeps=["mine"])


def test_a_cell_is_the_median_of_the_seeds_that_grokked_if_they_are_at_least_half(tmp_path):
    store = Store(tmp_path / "runs")
    for decay in DECAYS:
        for fraction in FRACTIONS:
            add_cell(store, decay, fraction, [100, 300, 500], 0.5)
    written = draw_figures(["phase"], store.root, tmp_path / "plots")
    assert [path.name for path in written] == ["phase-mine.png", "phase-mine.pdf", "phase-mine.csv"]
    cells = pd.read_csv(written[2])
    assert len(cells) == 9
    assert set(cells["step"]) == {300}
    assert set(cells["mir"]) == {0.51}


def test_a_cell_in_which_few_grokked_has_no_time(tmp_path):
    store = Store(tmp_path / "runs")
    for decay in DECAYS:
        for fraction in FRACTIONS:
            add_cell(store, decay, fraction, [100, None, None] if decay == 0 else [100, 200, None], 0.5)
    written = draw_figures(["phase"], store.root, tmp_path / "plots")
    cells = pd.read_csv(written[2])
    never = cells[cells["optimiser.weight_decay"] == 0]
    assert all(math.isnan(step) for step in never["step"])
    assert set(never["grokked"]) == {1}
    assert set(cells[cells["optimiser.weight_decay"] > 0]["step"]) == {150}


def test_two_values_of_a_setting_are_no_diagram(tmp_path):
    store = Store(tmp_path / "runs")
    for decay in DECAYS:
        for fraction in FRACTIONS[:2]:
            add_cell(store, decay, fraction, [100], 0.5)
    assert draw_figures(["phase"], store.root, tmp_path / "plots") == []


def test_a_study_in_which_none_grokked_is_drawn_all_the_same(tmp_path):
    store = Store(tmp_path / "runs")
    for decay in DECAYS:
        for fraction in FRACTIONS:
            add_cell(store, decay, fraction, [None], 0.5)
    written = draw_figures(["phase"], store.root, tmp_path / "plots")
    assert pd.read_csv(written[2])["step"].isna().all()
