"""Figures 1 and 2 show the values in the records of standard training, and no other experiments."""

import numpy as np
import pytest

from grok.config import (
    ClassifierProbesConfig,
    GrokkingConfig,
    ImageModelConfig,
    ImageTaskConfig,
    OptimiserConfig,
    SupervisedConfig,
)
from grok.figures import supervised
from grok.tracking import Store
from tests.figures.helpers import add_run, constant, drawings, legend_of

CONFIG = SupervisedConfig(probes=ClassifierProbesConfig(sample_size=64))
INTERPLAY = [f"interplay/{pairing}/test/{ratio}" for pairing in ("sample", "prototype") for ratio in ("mir", "hdr")]
COLUMNS = [
    *("train/accuracy", "test/accuracy", *INTERPLAY),
    *(
        f"collapse/{split}/{name}"
        for split in ("train", "test")
        for name in ("nc1", "nc2_simplex_means", "nc3_self_duality", "nc4_agreement")
    ),
]
NC1 = {"collapse/train/nc1": constant(2.0), "collapse/test/nc1": constant(3.0)}


def columns_of(seed):
    """Return columns that are known functions of step and seed."""
    return {name: lambda steps, index=index: (steps / 2000 + index + seed) / 30 for index, name in enumerate(COLUMNS)}


def add(tmp_path, columns, *, config=CONFIG, **settings):
    return add_run(Store(tmp_path / "runs"), columns, config=config, **({"experiment": "supervised"} | settings))


def draw(tmp_path):
    return drawings("supervised", tmp_path / "runs")


def drawn(tmp_path):
    (drawing,) = draw(tmp_path)
    return drawing


@pytest.fixture(scope="module")
def two_seeds(tmp_path_factory):
    root = tmp_path_factory.mktemp("two")
    for seed in range(2):
        add(root, columns_of(seed), seed=seed)
    return drawn(root)


def test_the_table_holds_the_records_values_of_every_seed(two_seeds):
    plotted = two_seeds.table
    assert plotted.groupby("seed")["step"].agg(["min", "max", "size"]).values.tolist() == [[0, 2000, 201]] * 2
    for index, column in enumerate(COLUMNS):
        expected = (plotted["step"] / 2000 + index + plotted["seed"]) / 30
        if column.endswith("nc4_agreement"):
            column, expected = column.replace("agreement", "disagreement"), 1 - expected
        np.testing.assert_allclose(plotted[column], expected, rtol=1e-5)


def test_the_table_of_many_seeds_holds_median_and_band(tmp_path):
    for seed in range(5):
        add(tmp_path, columns_of(seed), seed=seed)
    end = drawn(tmp_path).table.query("step == 2000").set_index("column")
    index = COLUMNS.index("interplay/sample/test/mir")
    expected = [(1 + index + seed) / 30 for seed in (2, 0.4, 3.6)]
    np.testing.assert_allclose(end.loc["interplay/sample/test/mir", ["median", "low", "high"]], expected, rtol=1e-5)


def test_the_markdown_holds_start_extremes_and_end_of_the_medians_on_test(tmp_path):
    def falls_and_rises(seed):
        return lambda steps: 0.5 + 0.01 * seed - 0.3 * (steps == 500) + 0.2 * (steps > 500)

    columns = {"test/accuracy": falls_and_rises, "collapse/test/nc1": lambda seed: constant(2.0)}
    for seed in range(5):
        found = {name: of(seed) for name, of in columns.items()} | {"train/accuracy": constant(1.0)}
        add(tmp_path, found, seed=seed, every=500)
    header, _, accuracy, nc1, _, text = drawn(tmp_path).markdown.splitlines()
    assert header == "| measure | at the start | lowest | highest | at the end |"
    cells = [cell.partition(" at step ")[::2] for cell in accuracy.strip("| ").split(" | ")]
    assert [cell for cell, _ in cells] == [
        "accuracy",
        "52.0% (50.4% to 53.6%)",
        "22.0% (20.4% to 23.6%)",
        "72.0% (70.4% to 73.6%)",
        "72.0% (70.4% to 73.6%)",
    ]
    (lowest, highest) = (int(step.replace(",", "")) for _, step in cells if step)
    assert 500 <= lowest < 520  # the first of the steps of the medians with the measurement
    assert 1000 <= highest < 1040
    assert nc1.startswith("| NC1: spread within classes | 2 | 2 at step 0 |")
    assert text.startswith("mnist1d-conv1d-64, test split, 5 seeds, n = 64 in `sample`: medians")
    assert text.endswith("MIR at neural collapse: 0.952.")


def test_every_panel_has_its_lines_with_pairing_and_n_and_mir_that_of_neural_collapse(two_seeds):
    legends = {axis.get_title(): legend_of(axis) for axis in two_seeds.figure.axes}
    pairings = ["sample, n = 64", "prototype, n = 10"]
    assert legends == {
        "accuracy": ["train", "test"],
        "MIR, test": [*pairings, "at neural collapse, 0.952"],
        "HDR, test": pairings,
        "neural collapse, test (train dashed)": [label for label, _ in supervised.COLLAPSE.values()],
    }
    sample = next(line for line in two_seeds.figure.axes[1].lines if line.get_label() == "sample, n = 64")
    np.testing.assert_allclose(sample.get_ydata()[-1], (1 + COLUMNS.index("interplay/sample/test/mir")) / 30)


def test_mir_at_neural_collapse_is_that_of_the_number_of_classes(tmp_path):
    mlp = ImageModelConfig(network="mlp", depth=1)
    config = SupervisedConfig(task=ImageTaskConfig(dataset="cifar100"), model=mlp)
    add(tmp_path, {f"interplay/prototype/test/{ratio}": constant(0.5) for ratio in ("mir", "hdr")}, config=config)
    mir, _ = drawn(tmp_path).figure.axes
    assert legend_of(mir) == ["prototype, n = 100", "at neural collapse, 0.998"]


def test_a_panel_of_what_was_not_measured_is_left_out(tmp_path):
    add(tmp_path, {"test/accuracy": constant(0.9), "interplay/sample/test/hdr": constant(0.1)} | NC1)
    panels = [axis.get_title() for axis in drawn(tmp_path).figure.axes if axis.get_visible()]
    assert panels == ["accuracy", "HDR, test", "neural collapse, test (train dashed)"]


def test_a_run_that_measured_nothing_of_it_is_left_out_with_a_line(tmp_path, capsys):
    run = add(tmp_path, {"weight_norm": constant(1.0)})
    assert draw(tmp_path) == []
    name = run.id.removesuffix("-seed0")
    assert capsys.readouterr().err.startswith(f"grok: figure supervised not drawn for {name}: its records have no ")


@pytest.mark.parametrize("other", [{"status": "interrupted"}, {"experiment": "grokking", "config": GrokkingConfig()}])
def test_unfinished_runs_and_other_experiments_are_not_drawn(tmp_path, other):
    add(tmp_path, columns_of(0), **other)
    assert draw(tmp_path) == []


def test_configs_of_a_larger_sweep_are_not_drawn_one_by_one(tmp_path):
    for rate in (0.01, 0.1):
        config = SupervisedConfig(optimiser=OptimiserConfig(rule="sgd", learning_rate=rate))
        add(tmp_path, columns_of(0), config=config, sweeps=["two"])
    assert draw(tmp_path) == []
