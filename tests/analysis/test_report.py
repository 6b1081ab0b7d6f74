"""What a terminal shows of runs is what their manifests hold."""

import numpy as np

from grok.analysis.report import describe, list_table
from grok.config import (
    ConnectivityConfig,
    NormMatchedConfig,
    PruningConfig,
    SampledInformationTermConfig,
    SupervisedConfig,
    config_hash,
)
from grok.tracking import Store
from grok.tracking.export import export_run
from tests.figures.helpers import add_run, by_place, constant
from tests.helpers import new_run, small_config

EXTREMA = {
    "mir_max": {"step": 2210, "value": 0.91249},
    "mir_min": {"step": 0, "value": 0.25},
    "hdr_min": {"step": 30, "value": 0.0126},
    "hdr_max": {"step": 12000, "value": 0.5},
}
SUMMARY = {
    "events": {
        "train_accuracy_0.99": 140,
        "test_accuracy_0.50": 1900,
        "test_accuracy_0.99": None,
        "sample/test": EXTREMA,
    },
    "last": {"step": 12345, "test/accuracy": 0.98765, "interplay/sample/test/mir": 0.8, "interplay/sample/test/hdr": 0},
}


def test_the_list_has_a_line_a_run_named_as_the_store_opens_it_with_a_dash_for_what_is_not_known(tmp_path):
    finished, made = new_run(tmp_path, seed=0), new_run(tmp_path, seed=10)
    summary = SUMMARY | {"events": {"test_accuracy_0.99": 2210, "grokked": 2300}}
    finished.update(status="finished", step=12345, summary=summary)
    header, *lines = list_table([finished.manifest(), made.manifest()]).splitlines()
    assert header.split("  ")[0] == "run"
    assert [line.split() for line in lines] == [
        [f"grokking/{finished.id}", "finished", "12345", "98.8%", "2300"],
        [f"grokking/{made.id}", "interrupted", "0", "-", "-"],
    ]
    assert len({len(line) for line in (header, *lines)}) == 1
    assert Store(tmp_path).open(lines[0].split()[0]) == finished


def test_only_runs_of_grokking_have_a_step_at_which_they_grokked(tmp_path):
    store = Store(tmp_path)
    groks = add_run(store, {"test/accuracy": constant(1.0)})
    images = add_run(store, {"test/accuracy": constant(1.0)}, config=SupervisedConfig(), experiment="supervised")
    assert images.manifest()["summary"]["events"]["grokked"] == 0  # a task that is easy enough
    header, *lines = list_table([groks.manifest(), images.manifest()]).splitlines()
    assert header.endswith("  grokked at")
    assert [line.split()[3:] for line in lines] == [["100.0%", "0"], ["100.0%", "-"]]
    header, line = list_table([images.manifest()]).splitlines()
    assert header.split() == ["run", "status", "step", "test", "accuracy"]
    assert line.split() == [f"supervised/{images.id}", "finished", "2000", "100.0%"]
    assert list_table([]).split() == ["run", "status", "step", "test", "accuracy"]


def test_a_finished_run_is_described_with_its_events(tmp_path):
    run = new_run(tmp_path, seed=3)
    run.update(status="finished", step=12345, timings={"wall_seconds": 61.7}, summary=SUMMARY)
    state, events = describe(run).split("\n\n", maxsplit=1)
    assert f"run      {run.path}" in state
    assert "status   finished at step 12,345 after 62 s on cpu" in state
    assert f"command  grok train grokking  (seed 3, config {config_hash(small_config())})" in state
    assert f"record   {run.metrics_path}" in state
    assert [" ".join(line.split()) for line in events.splitlines()] == [
        "train accuracy 99 % step 140",
        "test accuracy 50 % step 1,900",
        "test accuracy 99 % never",
        "",
        "pairing MIR max MIR min HDR min HDR max HDR peak MIR, HDR at the end",
        "sample/test 0.912 @ 2,210 0.250 @ 0 0.013 @ 30 0.500 @ 12,000 - 0.800, 0.000",
    ]


def test_steps_of_grokking_and_turns_are_described_where_the_summary_has_them(tmp_path):
    turns = {
        "weight_norm": {"detected": 1410, "onset": 170},
        "interplay/sample/test/mir": {"detected": None, "onset": None},
    }
    run = new_run(tmp_path)
    events = SUMMARY["events"] | {"grokked": 2300, "ungrokked": None, "turns": turns}
    run.update(status="finished", summary=SUMMARY | {"events": events})
    _, steps, extrema, found = describe(run).split("\n\n")
    assert [" ".join(line.split()) for line in steps.splitlines()[3:]] == ["grokked step 2,300", "ungrokked never"]
    assert len(extrema.splitlines()) == 2
    assert found.splitlines() == [
        "measure                     turn detected      from",
        "weight_norm                         1,410       170",
        "interplay/sample/test/mir           never         -",
    ]


def test_a_failed_run_is_described_with_its_error(tmp_path):
    run = new_run(tmp_path)
    run.update(status="failed", step=40, error="the training loss is nan at step 47")
    assert "status   failed at step 40 after 0 s" in describe(run)
    assert "error    the training loss is nan at step 47" in describe(run)


TWINS = NormMatchedConfig(information=SampledInformationTermConfig(term="mutual_information", weight=0.1), steps=1000)


def add_twins(root, first, second, **settings):
    """Twins of which each groks at a step of its own, or not at all, and ends at 99.5 or 62.5 %."""

    def accuracy(steps):
        groks = np.where(steps <= 1000, np.inf if first is None else first, np.inf if second is None else second)
        return np.where(steps % 1001 >= groks, 0.995, 0.625)

    columns = {"test/accuracy": accuracy, "norm_matched/twin": lambda steps: (steps > 1000).astype(float)}
    return add_run(Store(root), columns, config=TWINS, steps=2001, every=1, experiment="norm-matched", **settings)


def test_norm_matched_twins_are_described_each_by_when_it_grokked_and_how_accurate_it_became(tmp_path):
    run = add_twins(tmp_path, 400, 730)
    assert describe(run).split("\n\n", maxsplit=1)[1].splitlines() == [
        "training                                  grokked    test accuracy at the end",
        "with mutual_information, weight 0.1      step 400                       99.5%",
        "twin without it, of the same norm        step 730                       99.5%",
    ]
    never = describe(add_twins(tmp_path, 400, None, seed=1)).splitlines()
    assert [line.split()[-2:] for line in never[-2:]] == [["400", "99.5%"], ["never", "62.5%"]]
    never = describe(add_twins(tmp_path, None, 20, seed=2)).splitlines()
    assert [line.split()[-2:] for line in never[-2:]] == [["never", "62.5%"], ["20", "99.5%"]]


def test_a_copy_of_twins_says_the_same_as_far_as_it_has_the_columns(tmp_path):
    run = add_twins(tmp_path, 400, None)
    copy, _ = export_run(run, tmp_path / "small", rows=1)
    assert describe(copy).splitlines()[-3:] == describe(run).splitlines()[-3:]
    for place, (columns, accuracies) in enumerate({"test/*": ["99.5%", "62.5%"], "norm*": ["-", "-"]}.items()):
        copy, _ = export_run(run, tmp_path / str(place), rows=1, columns=[columns])
        said = [line.split() for line in describe(copy).splitlines()[-2:]]
        assert [(words[-2], words[-1]) for words in said] == list(zip(("400", "never"), accuracies, strict=True))


def test_twins_are_listed_with_what_the_training_with_the_term_came_to(tmp_path):
    manifests = [
        add_twins(tmp_path, *steps, seed=seed).manifest() for seed, steps in enumerate([(400, None), (None, 30)])
    ]
    header, *lines = list_table(manifests).splitlines()
    assert header.endswith("  grokked at")
    assert [line.split()[-2:] for line in lines] == [["99.5%", "400"], ["62.5%", "-"]]


OMEGAS = np.linspace(0, 1, 5)
PATH = ConnectivityConfig(steps=20, points=5)
BETWEEN = {
    "connectivity/omega": by_place(40, np.tile(OMEGAS, 2)),
    "connectivity/recomputed": by_place(40, np.repeat([0.0, 1.0], 5)),
    "test/loss": by_place(40, [0.25, 1.5, 2.5, 0.75, 0.75, *OMEGAS], before=9.0),
    "test/accuracy": by_place(40, [0.9, 0.6, 0.1, 0.6, 0.8, 0.95, 0.9, 0.85, 0.9, 0.9], before=0.3),
}


def add_path(root, columns):
    return add_run(Store(root), columns, config=PATH, steps=49, every=1, experiment="connectivity")


def outcome_of(run):
    """What is said below the state of a run, a list of words a line."""
    return [line.split() for line in describe(run).split("\n\n", maxsplit=1)[1].splitlines()[1:]]


def test_connectivity_is_described_by_the_networks_between_and_not_by_their_training(tmp_path):
    run = add_path(tmp_path, BETWEEN)
    assert outcome_of(run) == [
        ["statistics", "networks", "loss", "barrier", "accuracy", "at", "omega", "0", "at", "omega", "0.5"],
        ["recomputed", "5", "0.000", "nats", "95.0%", "85.0%"],
        ["interpolated", "5", "2.000", "nats", "90.0%", "10.0%"],
    ]
    copy, _ = export_run(run, tmp_path / "small", rows=1)
    assert outcome_of(copy) == outcome_of(run)


def test_what_a_record_of_connectivity_lacks_is_a_dash_or_said(tmp_path):
    accuracy_alone = {name: column for name, column in BETWEEN.items() if name != "test/loss"}
    run = add_path(tmp_path, accuracy_alone)
    assert outcome_of(run)[1:] == [
        ["recomputed", "5", "-", "95.0%", "85.0%"],
        ["interpolated", "5", "-", "90.0%", "10.0%"],
    ]
    copy, _ = export_run(run, tmp_path / "small", rows=1, columns=["test/*"])
    line = "The record has no network between the two: it lacks connectivity/omega or connectivity/recomputed after "
    assert describe(copy).splitlines()[-1] == f"{line}their training."


PRUNED = PruningConfig(steps=20, fine_tune_steps=2, sparsities=(0.0, 0.5, 0.95))
STAGES = {
    "pruning/sparsity": by_place(20, np.repeat(PRUNED.sparsities, 3)),
    "test/accuracy": by_place(20, [0.9, 0.8, 0.95, 0.5, 0.8, 0.85, 0.1, 0.3, 0.6], before=0.2),
    "interplay/before-after/test/mir": by_place(20, [0.5, 0.1, 0.54, 0.4, 0.1, 0.53, 0.3, 0.1, 0.46], before=np.nan),
    "interplay/sample/test/hdr": by_place(20, [0.1, 0.2, 0.11, 0.1, 0.2, 0.15, 0.1, 0.2, 0.19]),
}


def add_pruned(root, columns):
    return add_run(Store(root), columns, config=PRUNED, steps=28, every=1, experiment="pruning")


def test_pruning_is_described_by_a_line_a_sparsity_of_the_fine_tuned_network(tmp_path):
    run = add_pruned(tmp_path, STAGES)
    assert outcome_of(run) == [
        ["sparsity", "accuracy", "before-after", "MIR", "HDR", "sample", "MIR", "HDR"],
        ["0", "95.0%", "0.540", "-", "-", "0.110"],
        ["0.5", "85.0%", "0.530", "-", "-", "0.150"],
        ["0.95", "60.0%", "0.460", "-", "-", "0.190"],
    ]
    copy, _ = export_run(run, tmp_path / "small", rows=1)
    assert outcome_of(copy) == outcome_of(run)


def test_a_record_of_pruning_without_sparsities_says_so(tmp_path):
    run = add_pruned(tmp_path, {"test/accuracy": constant(0.5)})
    line = "The record has no fine-tuned network: it lacks pruning/sparsity at the end of any fine-tuning."
    assert describe(run).splitlines()[-1] == line
