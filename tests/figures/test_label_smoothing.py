"""The last values of each run are drawn against its label smoothing, for a study in which that varies."""

import numpy as np
import pytest

from grok.config import ClassifierProbesConfig, OptimiserConfig, SupervisedConfig
from grok.tracking import Store
from tests.figures.helpers import add_run, constant, drawings, legend_of

EPSILONS = (0.2, 0.0, 0.1)
MIR, HDR = "interplay/sample/test/mir", "interplay/sample/test/hdr"


def config_of(epsilon, rate=0.03):
    optimiser = OptimiserConfig(rule="sgd", learning_rate=rate)
    probes = ClassifierProbesConfig(sample_size=64)
    return SupervisedConfig(label_smoothing=epsilon, optimiser=optimiser, probes=probes)


def ends_at(value):
    """Return a column that rises to the value and is not measured at the last step."""
    return lambda steps: np.where(steps == steps[-1], np.nan, value * steps / steps[-2])


def add_sweep(tmp_path, *, epsilons=EPSILONS, seeds=2, columns=None, experiment="supervised", **settings):
    for epsilon in epsilons:
        for seed in range(seeds):
            found = columns or {"test/accuracy": ends_at(0.9 - epsilon + 0.01 * seed**2), MIR: constant(epsilon)}
            config = config_of(epsilon, **settings)
            add_run(
                Store(tmp_path / "runs"),
                found | {HDR: constant(0.1)} if columns is None else found,
                config=config,
                seed=seed,
                experiment=experiment,
                sweeps=["smoothing"],
            )


def draw(tmp_path):
    return drawings("label-smoothing", tmp_path / "runs")


def test_the_table_holds_the_last_values_of_every_run_in_the_order_of_smoothing(tmp_path):
    add_sweep(tmp_path)
    (drawing,) = draw(tmp_path)
    assert drawing.name == "label-smoothing-smoothing"
    plotted = drawing.table
    assert plotted["label_smoothing"].tolist() == [0.0, 0.0, 0.1, 0.1, 0.2, 0.2]
    assert plotted["seed"].tolist() == [0, 1] * 3
    assert plotted["test/accuracy"].tolist() == pytest.approx([0.9, 0.91, 0.8, 0.81, 0.7, 0.71])
    assert plotted[MIR].tolist() == [0.0, 0.0, 0.1, 0.1, 0.2, 0.2]
    assert plotted["interplay/prototype/test/mir"].isna().all()


def test_the_markdown_has_a_row_a_smoothing_with_medians_and_quantiles(tmp_path):
    add_sweep(tmp_path, seeds=3)
    (drawing,) = draw(tmp_path)
    header, _, *rows, _, text = drawing.markdown.splitlines()
    measures = "accuracy | MIR, `sample` | MIR, `prototype` | HDR, `sample` | HDR, `prototype`"
    assert header == f"| label smoothing | {measures} |"
    assert rows == [
        "| 0 | 91.0% (90.2% to 93.4%) | 0.000 | – | 0.100 | – |",
        "| 0.1 | 81.0% (80.2% to 83.4%) | 0.100 | – | 0.100 | – |",
        "| 0.2 | 71.0% (70.2% to 73.4%) | 0.200 | – | 0.100 | – |",
    ]
    assert text.startswith("mnist1d-conv1d-64, test split at the end, 3 seeds, n = 64 in `sample`: medians")


def test_seeds_are_dots_and_the_line_is_their_median(tmp_path):
    add_sweep(tmp_path, seeds=3)
    accuracy, mir, hdr = draw(tmp_path)[0].figure.axes
    assert [axis.get_title() for axis in (accuracy, mir, hdr)] == ["accuracy", "MIR", "HDR"]
    dots, line = accuracy.lines
    np.testing.assert_allclose(np.sort(dots.get_ydata()), [0.7, 0.71, 0.74, 0.8, 0.81, 0.84, 0.9, 0.91, 0.94])
    np.testing.assert_allclose(line.get_xdata(), sorted(EPSILONS))
    np.testing.assert_allclose(line.get_ydata(), [0.91, 0.81, 0.71])
    assert "sample, n = 64" in legend_of(mir)


def test_configs_that_differ_in_more_have_figures_of_their_own(tmp_path):
    for rate in (0.01, 0.1):
        add_sweep(tmp_path, rate=rate)
    names = {drawing.name for drawing in draw(tmp_path)}
    assert names == {f"label-smoothing-smoothing-learning_rate-{rate}" for rate in (0.01, 0.1)}


def test_fewer_than_three_values_are_no_comparison(tmp_path):
    add_sweep(tmp_path, epsilons=(0.0, 0.1))
    assert draw(tmp_path) == []


def test_a_study_that_measured_nothing_of_it_is_left_out_with_a_line(tmp_path, capsys):
    add_sweep(tmp_path, columns={"weight_norm": constant(1.0)})
    assert draw(tmp_path) == []
    line = "grok: figure label-smoothing not drawn for smoothing: its records have no test/accuracy (probes.accuracy) "
    assert capsys.readouterr().err.startswith(line)


@pytest.mark.parametrize("experiment", ["pruning", "connectivity"])
def test_other_experiments_are_not_drawn(tmp_path, experiment):
    add_sweep(tmp_path)
    for run in Store(tmp_path / "runs").runs():
        run.update(experiment=experiment)
    assert draw(tmp_path) == []
