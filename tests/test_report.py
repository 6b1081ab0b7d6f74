"""The tables in the terminal show what the manifests of the runs hold."""

from grok.config import SupervisedConfig, config_hash
from grok.report import describe, list_table
from grok.tracking import Store
from tests.figures.helpers import add_run, constant
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
    assert "status   finished at step 12,345 after 1 min on cpu" in state
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
