"""Each sparsity is drawn directly after pruning and after fine-tuning; the rows between are not drawn."""

import numpy as np
import pytest

from grok.config import ClassifierProbesConfig, GrokkingConfig, PruningConfig
from grok.tracking import Store
from tests.figures.helpers import add_run, by_place, constant, drawings, legend_of

SPARSITIES = (0.0, 0.5, 0.9)
CONFIG = PruningConfig(
    steps=20, fine_tune_steps=3, sparsities=SPARSITIES, probes=ClassifierProbesConfig(sample_size=64)
)
PRUNED, TUNED = [0.9, 0.6, 0.2], [0.92, 0.9, 0.7]
BEFORE_AFTER = "interplay/before-after/test"


def between(pruned, tuned):
    """Return a column with four rows per sparsity, of which the two in the middle are wrong."""
    return [value for each in zip(pruned, [-1.0] * 3, [-1.0] * 3, tuned, strict=True) for value in each]


COLUMNS = {
    "pruning/sparsity": by_place(20, np.repeat(SPARSITIES, 4)),
    "test/accuracy": by_place(20, between(PRUNED, TUNED), before=0.1),
    f"{BEFORE_AFTER}/mir": by_place(20, between([1.0, 0.8, 0.6], [0.95, 0.85, 0.75]), before=np.nan),
    f"{BEFORE_AFTER}/hdr": by_place(20, between([0.0, 0.2, 0.4], [0.05, 0.15, 0.25]), before=np.nan),
}


def add(tmp_path, columns, **settings):
    settings = {"config": CONFIG, "experiment": "pruning", "steps": CONFIG.total_steps, "every": 1} | settings
    return add_run(Store(tmp_path / "runs"), columns, **settings)


def draw(tmp_path):
    return drawings("pruning", tmp_path / "runs")


def test_the_table_holds_both_stages_of_every_sparsity_and_seed(tmp_path):
    for seed in range(2):
        add(tmp_path, COLUMNS, seed=seed)
    plotted = draw(tmp_path)[0].table
    assert plotted["seed"].tolist() == [0] * 6 + [1] * 6
    for stage, accuracy, mir in (("pruned", PRUNED, [1.0, 0.8, 0.6]), ("fine-tuned", TUNED, [0.95, 0.85, 0.75])):
        rows = plotted[plotted["stage"] == stage]
        assert rows["pruning/sparsity"].tolist() == list(SPARSITIES) * 2
        assert rows["test/accuracy"].tolist() == accuracy * 2
        assert rows[f"{BEFORE_AFTER}/mir"].tolist() == mir * 2


def test_the_markdown_has_a_row_a_sparsity_and_stage(tmp_path):
    for seed, shift in enumerate((0.0, 0.01, 0.05)):
        accuracy = by_place(20, [value + shift for value in between(PRUNED, TUNED)])
        add(tmp_path, COLUMNS | {"test/accuracy": accuracy}, seed=seed)
    (drawing,) = draw(tmp_path)
    header, _, *rows, _, text = drawing.markdown.splitlines()
    assert header == "| sparsity | stage | accuracy | MIR, `before-after` | HDR, `before-after` |"
    assert len(rows) == 6
    assert rows[:3] == [
        "| 0 | pruned | 91.0% (90.2% to 94.2%) | 1.000 | 0.000 |",
        "| 0 | fine-tuned | 93.0% (92.2% to 96.2%) | 0.950 | 0.050 |",
        "| 0.5 | pruned | 61.0% (60.2% to 64.2%) | 0.800 | 0.200 |",
    ]
    assert text.startswith("mnist1d-conv1d-64, one-shot, test split, 3 seeds, n = 64 in `sample` and `before-after`: ")


def test_the_lines_are_solid_where_fine_tuned_and_dashed_where_pruned(tmp_path):
    add(tmp_path, COLUMNS)
    (drawing,) = draw(tmp_path)
    figure = drawing.figure
    panels = {axis.get_title(): axis for axis in figure.axes if axis.get_visible()}
    assert list(panels) == ["accuracy", "features before and after, n = 64"]
    lines = {line.get_linestyle(): line.get_ydata().tolist() for line in panels["accuracy"].lines}
    assert lines == {"-": TUNED, "--": PRUNED}
    assert legend_of(figure) == [
        f"{name}, {stage}"
        for names in (("accuracy",), ("MIR", "HDR"))
        for stage in ("fine-tuned", "pruned")
        for name in names
    ]


def test_the_lines_of_many_seeds_are_their_median(tmp_path):
    for seed in range(5):
        add(tmp_path, COLUMNS | {"test/accuracy": constant(0.1 * seed**2)}, seed=seed)
    (drawing,) = draw(tmp_path)
    figure = drawing.figure
    assert [line.get_ydata().tolist() for line in figure.axes[0].lines] == [[0.4] * 3] * 2
    assert figure.get_suptitle().endswith("5 seeds: median, and band from 10 % to 90 %")


@pytest.mark.parametrize("columns", [{"test/accuracy": constant(0.5)}, {"pruning/sparsity": constant(0.5)}])
def test_a_run_with_nothing_to_show_is_left_out_with_a_line(tmp_path, capsys, columns):
    run = add(tmp_path, columns)
    assert draw(tmp_path) == []
    name = run.id.removesuffix("-seed0")
    line = f"grok: figure pruning not drawn for {name}: its records have no pruning/sparsity (probes.accuracy) or "
    assert capsys.readouterr().err.startswith(line)


@pytest.mark.parametrize("other", [{"status": "interrupted"}, {"experiment": "grokking", "config": GrokkingConfig()}])
def test_unfinished_runs_and_other_experiments_are_not_drawn(tmp_path, other):
    add(tmp_path, COLUMNS, **other)
    assert draw(tmp_path) == []
