"""Leads of measures over the rise of test accuracy and false alarms in controls come from the runs' summaries."""

import numpy as np
import pytest

from grok.config import GrokkingConfig, OptimiserConfig, TaskConfig
from grok.tracking import Store
from tests.figures.helpers import add_run, constant, drawings, rises_at

MAIN = GrokkingConfig(task=TaskConfig(modulus=59))
NO_DECAY = GrokkingConfig(task=TaskConfig(modulus=59), optimiser=OptimiserConfig(weight_decay=0.0))
RANDOM = GrokkingConfig(task=TaskConfig(modulus=59, operation="random"))
LITTLE = GrokkingConfig(task=TaskConfig(modulus=59, train_fraction=0.1))


def turns_at(step):
    """Return a column that is constant and then falls."""
    return lambda steps: np.where(steps < step, 0.6, 0.6 - 0.3 * np.log(np.maximum(steps, 1) / step))


def columns(*, rise, turn):
    return {
        "train/accuracy": rises_at(100),
        "test/accuracy": constant(0.1) if rise is None else rises_at(rise),
        "interplay/sample/test/mir": constant(0.6) if turn is None else turns_at(turn),
        "interplay/sample/test/hdr": constant(0.1),
    }


@pytest.fixture(scope="module")
def drawing(tmp_path_factory):
    """Return the drawing of a config and three controls."""
    store = Store(tmp_path_factory.mktemp("runs"))
    for seed in range(3):
        add_run(store, columns(rise=3000 + 100 * seed, turn=1000), config=MAIN, seed=seed, steps=4000, sweeps=["c"])
        add_run(store, columns(rise=None, turn=None), config=NO_DECAY, seed=seed, steps=4000, sweeps=["c"])
        turn = 2000 if seed == 0 else None
        add_run(store, columns(rise=None, turn=turn), config=RANDOM, seed=seed, steps=4000, sweeps=["c"])
        add_run(store, columns(rise=None, turn=1500), config=LITTLE, seed=seed, steps=4000, sweeps=["c"])
    (drawing,) = drawings("lead-time", store.root)
    return drawing


def test_leads_and_false_alarms_are_those_of_the_runs(drawing):
    assert drawing.name == "lead-time-c"
    table = drawing.table.set_index("measure")
    mir = table.loc["interplay/sample/test/mir"]
    assert (mir["runs"], mir["before"]) == (3, 3)
    assert mir["lead"] == pytest.approx(3100 - 1150, abs=60)
    alarms = {kind: mir[f"alarms/{kind}"] for kind in ("weight decay 0", "random labels", "too little data", "all")}
    assert alarms == {"weight decay 0": 0, "random labels": 1, "too little data": 3, "all": 4}
    assert table.loc["interplay/sample/test/hdr", "turned"] == 0


def test_the_markdown_is_the_same_table(drawing):
    assert "| sample MIR, test | 3 of 3 | 0 of 3 | 1 of 3 | 3 of 3 | 4 of 9 = 44% " in drawing.markdown
    assert "Controls trained for 4,000 steps (median)." in drawing.markdown


def test_a_study_without_controls_or_of_many_configs_is_not_drawn(tmp_path):
    store = Store(tmp_path / "runs")
    add_run(store, columns(rise=3000, turn=1000), config=MAIN, steps=4000)
    for decay in (0.0, 0.5, 1.0):
        config = GrokkingConfig(task=TaskConfig(modulus=59), optimiser=OptimiserConfig(weight_decay=decay))
        add_run(store, columns(rise=3000, turn=1000), config=config, steps=4000, sweeps=["decays"])
    assert drawings("lead-time", store.root) == []
