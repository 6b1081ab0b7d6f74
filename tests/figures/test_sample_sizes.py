"""The stages of the curve are found for each n as the published curve is described."""

import numpy as np
import pandas as pd
import pytest

from grok.config import GrokkingConfig, ImageModelConfig, ImageTaskConfig, SupervisedConfig, TaskConfig
from grok.figures.sample_sizes import stages
from grok.tracking import Store
from tests.figures.helpers import add_run, drawings, rises_at


def curve(*points):
    """Return a column that is linear between points (step, value)."""
    steps, values = zip(*points, strict=True)
    return lambda at: np.interp(at, steps, values)


MIR = curve((0, 0.5), (400, 0.6), (1500, 0.3), (2000, 0.4))
HDR = curve((0, 0.9), (300, 0.05), (1200, 0.45), (2000, 0.1))


def record():
    steps = np.arange(0, 2001, 10)
    return pd.DataFrame({"mir": MIR(steps), "hdr": HDR(steps), "test/accuracy": rises_at(1000)(steps)}, index=steps)


def test_the_stages_are_those_of_the_published_curve():
    assert stages(record(), "mir") == pytest.approx({"at the start": 0.5, "highest": 0.6, "lowest after it": 0.3})
    assert stages(record(), "hdr") == pytest.approx(
        {"lowest before the rise": 0.05, "peak at the rise": 0.45, "at the end": 0.1}
    )


def test_a_run_that_never_rises_has_no_stages_of_hdr():
    assert stages(record().assign(**{"test/accuracy": 0.1}), "hdr") == {}


@pytest.mark.parametrize(
    ("task", "lines"), [(TaskConfig(), 3), (TaskConfig(rounding="down"), 3), (TaskConfig(modulus=59), 0)]
)
def test_every_n_is_drawn_and_the_published_values_beside_the_papers_task_alone(tmp_path, task, lines):
    store = Store(tmp_path / "runs")
    config = GrokkingConfig(task=task)
    columns = {"test/accuracy": rises_at(1000)}
    for size in ("64", "256", "all"):
        columns |= {f"interplay/sample-{size}/test/mir": MIR, f"interplay/sample-{size}/test/hdr": HDR}
    for seed in range(2):
        add_run(store, columns, seed=seed, config=config)
    (drawing,) = drawings("sample-sizes", store.root)
    table = drawing.table
    assert sorted(table["n"].unique()) == [64, 256, config.task.test_size]
    assert table.query("ratio == 'mir' and stage == 'highest'")["value"].tolist() == [0.6] * 6
    assert len(table) == 2 * 2 * 3 * 3
    dotted = [line for line in drawing.figure.axes[2].lines if line.get_linestyle() == ":" and len(line.get_xdata())]
    assert len(dotted) == lines


@pytest.mark.parametrize("dataset", ["mnist1d", "digits"])
def test_of_images_the_values_at_start_and_end_are_drawn_with_neural_collapse(tmp_path, dataset):
    store = Store(tmp_path / "runs")
    mlp = ImageModelConfig(network="mlp", depth=1)
    config = SupervisedConfig(task=ImageTaskConfig(dataset=dataset), model=mlp)
    columns = {}
    for size in ("64", "all"):
        columns |= {f"interplay/sample-{size}/test/mir": MIR, f"interplay/sample-{size}/test/hdr": HDR}
    add_run(store, columns, config=config, experiment="supervised")
    (drawing,) = drawings("sample-sizes", store.root)
    table = drawing.table.set_index(["ratio", "stage"])
    assert table.loc[("mir", "at the start"), "value"].tolist() == [0.5, 0.5]
    assert table.loc[("hdr", "at the end"), "value"].tolist() == [0.1, 0.1]
    assert table.loc[("mir", "at the end"), "n"].tolist() == [64, config.task.test_size]
    assert [
        line.get_ydata()[0] for axis in drawing.figure.axes[2:] for line in axis.lines if line.get_linestyle() == ":"
    ] == [
        pytest.approx(0.9524, abs=1e-4),
        0,
    ]


def test_a_run_that_did_not_measure_many_sizes_is_not_drawn(tmp_path):
    add_run(Store(tmp_path / "runs"), {"test/accuracy": rises_at(1000)})
    assert drawings("sample-sizes", tmp_path / "runs") == []


def test_without_accuracy_the_stages_of_hdr_are_left_out(tmp_path):
    columns = {f"interplay/sample-{size}/test/{ratio}": MIR for size in (64, 128) for ratio in ("mir", "hdr")}
    add_run(Store(tmp_path / "runs"), columns)
    assert set(drawings("sample-sizes", tmp_path / "runs")[0].table["ratio"]) == {"mir"}
