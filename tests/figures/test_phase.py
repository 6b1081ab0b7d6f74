"""The cells of the phase diagram are medians over the seeds that grokked."""

import dataclasses
import math

import pytest

from grok.config import GrokkingConfig, OptimiserConfig, TaskConfig
from grok.tracking import Store
from tests.figures.helpers import add_run, constant, drawings, rises_at

MIR = "interplay/sample/test/mir"
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
    (drawing,) = drawings("phase", store.root)
    assert drawing.name == "phase-mine"
    cells = drawing.table
    assert len(cells) == 9
    assert set(cells["step"]) == {300}
    assert set(cells["mir"]) == {0.51}


def test_a_cell_in_which_few_grokked_has_no_time(tmp_path):
    store = Store(tmp_path / "runs")
    for decay in DECAYS:
        for fraction in FRACTIONS:
            add_cell(store, decay, fraction, [100, None, None] if decay == 0 else [100, 200, None], 0.5)
    cells = drawings("phase", store.root)[0].table
    never = cells[cells["optimiser.weight_decay"] == 0]
    assert all(math.isnan(step) for step in never["step"])
    assert set(never["grokked"]) == {1}
    assert set(cells[cells["optimiser.weight_decay"] > 0]["step"]) == {150}


def test_two_values_of_a_setting_are_no_diagram(tmp_path):
    store = Store(tmp_path / "runs")
    for decay in DECAYS:
        for fraction in FRACTIONS[:2]:
            add_cell(store, decay, fraction, [100], 0.5)
    assert drawings("phase", store.root) == []


def test_a_study_in_which_none_grokked_is_drawn_all_the_same(tmp_path):
    store = Store(tmp_path / "runs")
    for decay in DECAYS:
        for fraction in FRACTIONS:
            add_cell(store, decay, fraction, [None], 0.5)
    assert drawings("phase", store.root)[0].table["step"].isna().all()


def interplay(mir):
    return {MIR: constant(mir), "interplay/sample/test/hdr": constant(0.1)}


def add_grid(store, columns, **optimiser):
    for decay in DECAYS:
        for fraction in FRACTIONS:
            settings = OptimiserConfig(weight_decay=decay, **optimiser)
            found = GrokkingConfig(task=TaskConfig(train_fraction=fraction), optimiser=settings)
            add_run(store, columns, config=found, sweeps=["mine"])


@pytest.mark.parametrize(("column", "title"), [("test/accuracy", "time to grok"), (MIR, "pairing sample")])
def test_what_was_not_measured_has_no_panel(tmp_path, column, title):
    measured = {"test/accuracy": rises_at(100)} if column == "test/accuracy" else interplay(0.4)
    add_grid(Store(tmp_path / "runs"), measured)
    (drawing,) = drawings("phase", tmp_path / "runs")
    (titled,) = [axis.get_title() for axis in drawing.figure.axes if axis.get_title()]
    assert titled.startswith(title)
    assert drawing.table[["grokked", "mir"]].isna().all().tolist() == [column == MIR, column != MIR]


def test_a_third_setting_has_a_diagram_for_each_of_its_values(tmp_path):
    for rate, mir in ((0.001, 0.3), (0.01, 0.6)):
        add_grid(Store(tmp_path / "runs"), interplay(mir), learning_rate=rate)
    found = drawings("phase", tmp_path / "runs")
    assert [drawing.name for drawing in found] == [f"phase-mine-learning_rate-{rate}" for rate in (0.001, 0.01)]
    for drawing, mir in zip(found, (0.3, 0.6), strict=True):
        assert set(drawing.table["mir"]) == {mir}


def test_what_differs_between_cells_alone_leaves_them_in_one_diagram(tmp_path):
    store = Store(tmp_path / "runs")
    for decay in DECAYS:
        for fraction in FRACTIONS:
            steps = 5000 if decay == 0 else 3000
            found = dataclasses.replace(config(decay, fraction), steps=steps)
            add_run(store, interplay(0.4), config=found, sweeps=["mine"])
    assert [drawing.name for drawing in drawings("phase", store.root)] == ["phase-mine"]
