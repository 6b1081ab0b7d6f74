"""The table of a sweep has one line for each block and combination of axes, for any number of seeds."""

import json

import numpy as np

from grok.experiment import experiment
from grok.sweep.packs import existing_runs
from grok.sweep.table import plan_table, results_table, rows_of
from grok.tracking import Store
from tests.figures.helpers import add_run, constant
from tests.helpers import new_run
from tests.sweep.helpers import small_sweep, wanted_of, write


def finished(root, wanted, *, grokked, mir):
    run = new_run(root, seed=wanted.seed, config=wanted.config)
    summary = {"events": {"test_accuracy_0.99": 10, "grokked": grokked}, "last": {"interplay/sample/test/mir": mir}}
    run.update(status="finished", step=300, summary=summary)
    return run


IMAGES = 'experiment = "supervised"\nseeds = "0-2"\n[axes]\nlabel_smoothing = [0, 0.1]\n'


def rows_of_images(tmp_path):
    wanted = wanted_of(write(tmp_path, IMAGES))
    for each, accuracy in zip(wanted, (0.9, 0.7, 0.8), strict=False):
        interplay = {f"interplay/sample/test/{ratio}": constant(accuracy / 2) for ratio in ("mir", "hdr")}
        columns = {"test/accuracy": constant(accuracy)} | interplay
        add_run(Store(tmp_path), columns, seed=each.seed, config=each.config, experiment="supervised")
    return rows_of(experiment("supervised"), wanted, existing_runs(Store(tmp_path), "supervised"), {})


def rows(tmp_path):
    wanted = wanted_of(small_sweep(tmp_path, seeds="0-2", decays="[0, 1]"))
    root = tmp_path / "runs"
    for each, grokked, mir in zip(wanted[3:], (1000, 4000, None), (0.3, 0.4, 0.9), strict=True):
        finished(root, each, grokked=grokked, mir=mir)
    new_run(root, seed=0, config=wanted[0].config).update(status="failed", error="no space left")
    new_run(root, seed=1, config=wanted[1].config).update(status="interrupted")
    return rows_of(experiment("grokking"), wanted, existing_runs(Store(root), "grokking"), {wanted[2].key: "killed"})


def test_results_are_counts_and_medians_over_seeds(tmp_path):
    assert results_table(rows(tmp_path)).splitlines() == [
        "block  optimiser.weight_decay  runs  finished  grokked  grokked at (median)  MIR at the end",
        "sweep  0.0                        3         0        0                    -               -",
        "sweep  1.0                        3         3        2                2,500           0.400",
    ]


def test_results_of_images_are_their_accuracy_in_place_of_grokking(tmp_path):
    assert results_table(rows_of_images(tmp_path)).splitlines() == [
        "block  label_smoothing  runs  finished  test accuracy at the end  MIR at the end",
        "sweep  0.0                 3         3                     80.0%           0.400",
        "sweep  0.1                 3         0                         -               -",
    ]


def test_results_of_norm_matched_twins_are_when_the_training_with_the_term_grokked(tmp_path):
    path = write(tmp_path, 'experiment = "norm-matched"\nseeds = "0"\n[base]\nsteps = 1000\n')
    (wanted,) = wanted_of(path)
    columns = {
        "test/accuracy": lambda steps: np.where(steps > 1000, 0.0, steps >= 400),
        "interplay/sample/test/mir": lambda steps: np.where(steps > 1000, 0.9, 0.3),
        "interplay/sample/test/hdr": constant(0.1),
        "norm_matched/twin": lambda steps: (steps > 1000).astype(float),
    }
    add_run(Store(tmp_path), columns, config=wanted.config, steps=2001, every=1, experiment="norm-matched")
    rows = rows_of(experiment("norm-matched"), [wanted], existing_runs(Store(tmp_path), "norm-matched"), {})
    assert (rows[0].json()["grokked"], rows[0].json()["interplay/sample/test/mir"]) == (400, 0.3)
    assert results_table(rows).splitlines()[1].split()[-3:] == ["1", "400", "0.300"]


def test_a_plan_counts_how_runs_stand(tmp_path):
    assert plan_table(rows(tmp_path)).splitlines() == [
        "block  runs  finished  new  to resume  to try again  diverged  in use",
        "sweep     6         3    1          1             1         0       0",
    ]


def test_a_row_is_plain_json(tmp_path):
    values = [row.json() for row in rows(tmp_path)]
    assert json.loads(json.dumps(values)) == values
    assert [(value["seed"], value["status"], value["error"]) for value in values[:4]] == [
        (0, "failed", "no space left"),
        (1, "interrupted", None),
        (2, "new", "killed"),
        (0, "finished", None),
    ]
    assert values[3]["axes"] == {"optimiser.weight_decay": 1.0}
    assert (values[3]["grokked"], values[3]["interplay/sample/test/mir"]) == (1000, 0.3)
    done, *_, new = [row.json() for row in rows_of_images(tmp_path)]
    assert set(done) == set(values[0]) - {"grokked"} | {"test/accuracy"}
    assert (done["test/accuracy"], new["test/accuracy"]) == (0.9, None)


def test_what_ended_a_pack_is_no_error_of_its_finished_runs(tmp_path):
    done, failed = wanted_of(small_sweep(tmp_path, seeds="0-1", decays="[1]"))
    run = finished(tmp_path / "runs", done, grokked=200, mir=0.4)
    errors = {done.key: "out of memory", failed.key: "out of memory"}
    rows = rows_of(experiment("grokking"), [done, failed], {done.key: run}, errors)
    assert [(row.state, row.error) for row in rows] == [("finished", None), ("new", "out of memory")]
