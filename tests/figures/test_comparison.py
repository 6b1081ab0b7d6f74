"""Operations and moduli are drawn a panel each, from the study in which they vary."""

import numpy as np
import pandas as pd

from grok.config import GrokkingConfig, OptimiserConfig, TaskConfig
from grok.figures import comparison, draw_figures
from grok.tracking import Store
from tests.figures.helpers import add_run, constant, rises_at

OPERATIONS = ("add", "divide", "multiply", "cubic", "squares", "random")


def columns(mir):
    return {
        "train/accuracy": constant(1.0),
        "test/accuracy": rises_at(1000),
        "interplay/sample/test/mir": constant(mir),
        "interplay/sample/test/hdr": constant(0.1),
    }


def add_operations(store, operations):
    for place, operation in enumerate(operations):
        config = GrokkingConfig(task=TaskConfig(operation=operation, modulus=59))
        for seed in range(2):
            add_run(store, columns(0.3 + 0.1 * place), seed=seed, config=config, sweeps=["mine"])


def test_every_operation_has_a_panel_with_its_own_values(tmp_path, monkeypatch):
    store = Store(tmp_path / "runs")
    add_operations(store, OPERATIONS)
    drawn = {}
    monkeypatch.setattr(
        comparison, "write_figure", lambda figure, table, *rest, **_: drawn.update(f=figure, t=table, n=rest[1]) or []
    )
    draw_figures(["operations"], store.root, tmp_path / "plots")
    panels = [axis for axis in drawn["f"].axes if axis.get_visible()]
    titles = ["a + b mod 59", "a / b mod 59", "a · b mod 59", "a³ + ab mod 59", "a² + b² mod 59"]
    assert [axis.get_title().splitlines()[0] for axis in panels] == [*titles, "labels drawn at random mod 59"]
    for place, axis in enumerate(panels):
        mir = [line for line in axis.lines if line.get_label() == "MIR"]
        assert len(mir) == 2
        np.testing.assert_allclose(mir[0].get_ydata(), 0.3 + 0.1 * place)
    assert drawn["n"] == "operations-mine"
    assert drawn["t"]["config"].nunique() == 6


def test_fewer_than_three_are_no_comparison(tmp_path):
    store = Store(tmp_path / "runs")
    add_operations(store, OPERATIONS[:2])
    assert draw_figures(["operations", "moduli"], store.root, tmp_path / "plots") == []


def test_moduli_are_compared_in_the_order_in_which_they_were_trained(tmp_path):
    store = Store(tmp_path / "runs")
    for modulus in (31, 43, 59):
        config = GrokkingConfig(task=TaskConfig(modulus=modulus, train_fraction=0.5))
        add_run(store, columns(modulus / 100), config=config, sweeps=["sizes"])
    written = draw_figures(["moduli"], store.root, tmp_path / "plots")
    table = pd.read_csv(written[2])
    ends = table[(table["column"] == "interplay/sample/test/mir") & (table["step"] == 2000)]
    np.testing.assert_allclose(ends["median"], [0.31, 0.43, 0.59])


def test_a_config_and_its_controls_have_a_panel_each(tmp_path, monkeypatch):
    store = Store(tmp_path / "runs")
    main = GrokkingConfig(task=TaskConfig(modulus=59))
    configs = {
        "grokking": main,
        "random labels": GrokkingConfig(task=TaskConfig(modulus=59, operation="random")),
        "weight decay 0": GrokkingConfig(task=TaskConfig(modulus=59), optimiser=OptimiserConfig(weight_decay=0.0)),
        "too little data": GrokkingConfig(task=TaskConfig(modulus=59, train_fraction=0.1)),
    }
    for config in configs.values():
        add_run(store, columns(0.5), config=config, sweeps=["mine"])
    drawn = {}
    monkeypatch.setattr(comparison, "write_figure", lambda figure, *_, **__: drawn.update(f=figure) or [])
    draw_figures(["controls"], store.root, tmp_path / "plots")
    assert [axis.get_title().splitlines()[0] for axis in drawn["f"].axes] == list(configs)


def test_two_configs_that_may_grok_have_no_controls(tmp_path):
    store = Store(tmp_path / "runs")
    for decay in (0.0, 0.5, 1.0):
        config = GrokkingConfig(task=TaskConfig(modulus=59), optimiser=OptimiserConfig(weight_decay=decay))
        add_run(store, columns(0.5), config=config, sweeps=["mine"])
    assert draw_figures(["controls"], store.root, tmp_path / "plots") == []


def test_configs_of_one_task_are_told_apart_by_the_settings_that_differ(tmp_path, monkeypatch):
    for modulus, rate in ((31, 0.001), (31, 0.01), (43, 0.001), (59, 0.001)):
        task = TaskConfig(modulus=modulus, train_fraction=0.5)
        config = GrokkingConfig(task=task, optimiser=OptimiserConfig(learning_rate=rate))
        add_run(Store(tmp_path / "runs"), columns(0.5), config=config, sweeps=["mine"])
    drawn = {}
    monkeypatch.setattr(comparison, "write_figure", lambda figure, *_, **__: drawn.update(f=figure) or [])
    draw_figures(["moduli"], tmp_path / "runs", tmp_path / "plots")
    titles = [axis.get_title().rpartition("\n")[0].splitlines() for axis in drawn["f"].axes]
    named = [["a + b mod 31", f"learning_rate {rate}"] for rate in (0.001, 0.01)]
    assert titles == [*named, ["a + b mod 43"], ["a + b mod 59"]]
