"""Each operation or modulus has a panel, in the figure of the study in which it varies."""

import numpy as np

from grok.config import GrokkingConfig, OptimiserConfig, TaskConfig
from grok.tracking import Store
from tests.figures.helpers import add_run, constant, drawings, rises_at

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


def test_every_operation_has_a_panel_with_its_own_values(tmp_path):
    store = Store(tmp_path / "runs")
    add_operations(store, OPERATIONS)
    (drawing,) = drawings("operations", store.root)
    panels = [axis for axis in drawing.figure.axes if axis.get_visible()]
    titles = ["a + b mod 59", "a / b mod 59", "a · b mod 59", "a³ + ab mod 59", "a² + b² mod 59"]
    assert [axis.get_title().splitlines()[0] for axis in panels] == [*titles, "labels drawn at random mod 59"]
    for place, axis in enumerate(panels):
        mir = [line for line in axis.lines if line.get_label() == "MIR"]
        assert len(mir) == 2
        np.testing.assert_allclose(mir[0].get_ydata(), 0.3 + 0.1 * place)
    assert drawing.name == "operations-mine"
    assert drawing.table["config"].nunique() == 6


def test_fewer_than_three_are_no_comparison(tmp_path):
    store = Store(tmp_path / "runs")
    add_operations(store, OPERATIONS[:2])
    assert drawings("operations", store.root) == drawings("moduli", store.root) == []


def test_moduli_are_compared_in_the_order_in_which_they_were_trained(tmp_path):
    store = Store(tmp_path / "runs")
    for modulus in (31, 43, 59):
        config = GrokkingConfig(task=TaskConfig(modulus=modulus, train_fraction=0.5))
        add_run(store, columns(modulus / 100), config=config, sweeps=["sizes"])
    table = drawings("moduli", store.root)[0].table
    ends = table[(table["column"] == "interplay/sample/test/mir") & (table["step"] == 2000)]
    np.testing.assert_allclose(ends["median"], [0.31, 0.43, 0.59])


def test_a_config_and_its_controls_have_a_panel_each(tmp_path):
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
    (drawing,) = drawings("controls", store.root)
    assert [axis.get_title().splitlines()[0] for axis in drawing.figure.axes] == list(configs)


def test_two_configs_that_may_grok_have_no_controls(tmp_path):
    store = Store(tmp_path / "runs")
    for decay in (0.0, 0.5, 1.0):
        config = GrokkingConfig(task=TaskConfig(modulus=59), optimiser=OptimiserConfig(weight_decay=decay))
        add_run(store, columns(0.5), config=config, sweeps=["mine"])
    assert drawings("controls", store.root) == []


def test_configs_of_one_task_are_told_apart_by_the_settings_that_differ(tmp_path):
    for modulus, rate in ((31, 0.001), (31, 0.01), (43, 0.001), (59, 0.001)):
        task = TaskConfig(modulus=modulus, train_fraction=0.5)
        config = GrokkingConfig(task=task, optimiser=OptimiserConfig(learning_rate=rate))
        add_run(Store(tmp_path / "runs"), columns(0.5), config=config, sweeps=["mine"])
    (drawing,) = drawings("moduli", tmp_path / "runs")
    titles = [axis.get_title().rpartition("\n")[0].splitlines() for axis in drawing.figure.axes]
    named = [["a + b mod 31", f"learning_rate {rate}"] for rate in (0.001, 0.01)]
    assert titles == [*named, ["a + b mod 43"], ["a + b mod 59"]]
