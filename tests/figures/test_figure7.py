"""Figure 7 shows what the records hold, and nothing else."""

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from grok.config import GrokkingConfig, config_hash, config_to_json
from grok.figures import draw_figures, figure7, finished_groups
from grok.figures.figure7 import _thinned
from grok.tracking import Store

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


def add_run(store, *, seed, status="finished", experiment="grokking"):
    """A finished run whose every column is a known function of step and seed, measured every 10 steps."""
    config = GrokkingConfig()
    run = store.create(
        experiment=experiment,
        label=config.label,
        config=config_to_json(config),
        config_hash=config_hash(config),
        seed=seed,
        command=["grok", "train", experiment],
        environment={},
    )
    steps = np.arange(0, 2001)
    measured = steps % 10 == 0
    table = {"step": pa.array(steps)}
    for index, column in enumerate(COLUMNS):
        values = (steps / 2000 + index + seed) / 20
        always = column.startswith("interplay/embedding")
        table[column] = pa.array(values, mask=None if always else ~measured)
    run.append_table(pa.table(table), first_step=0)
    run.update(status=status)
    return run


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
        assert measured.sum() > 300
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


def test_thinning_keeps_the_first_and_last_row_and_spaces_the_rest_evenly_in_log_step():
    steps = np.arange(0, 40_001)
    thinned = _thinned(pd.DataFrame({"value": steps}, index=steps))
    assert thinned.index[0] == 0
    assert thinned.index[-1] == 40_000
    late = thinned.index[thinned.index > 1000].to_numpy() + 1.0
    ratios = late[1:] / late[:-1]
    assert ratios.max() / ratios.min() < 1.01


def test_a_run_that_measured_no_pairing_is_left_out_with_a_line(tmp_path, capsys):
    store = Store(tmp_path / "runs")
    run = add_run(store, seed=0)
    table = run.read_table(["step", "train/accuracy", "test/accuracy"])
    run.metrics_path.unlink()
    run.append_table(table, first_step=0)
    assert draw_figures(["figure7"], store.root, tmp_path / "plots") == []
    assert (
        capsys.readouterr().err
        == f"grok: figure7: left out {run.id.removesuffix('-seed0')}, which measured no pairing\n"
    )


def test_the_lines_are_the_values_in_the_csv(store, tmp_path, monkeypatch):
    drawn = {}
    monkeypatch.setattr(
        figure7, "write_figure", lambda figure, plotted, *_, **__: drawn.update(f=figure, p=plotted) or []
    )
    draw_figures(["figure7"], store.root, tmp_path)
    panels = drawn["f"].axes
    columns = {0: "interplay/prototype/test/mir", 1: "interplay/sample/test/mir", 5: "interplay/embedding/hdr"}
    for panel, column in columns.items():
        for seed in (0, 1):
            expected = drawn["p"].query("seed == @seed").set_index("step")[column].dropna()
            assert any(
                np.array_equal(line.get_xdata(), expected.index + 1) and np.array_equal(line.get_ydata(), expected)
                for line in panels[panel].lines
            ), f"{column} of seed {seed} is not drawn"
