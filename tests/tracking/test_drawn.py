"""Figures are up to date by file facts: finished runs, code, and the files of the figures themselves."""

import json

import pytest

from grok.tracking import Store
from grok.tracking.drawn import STATE, Drawn, code_facts, record_facts
from tests.figures.helpers import add_run, constant

EXPERIMENTS = ["grokking", "supervised"]
COLUMNS = {"test/accuracy": constant(1.0)}


def add_figure(runs, plots, run, *, name="figure7", experiments=("grokking",), said=()):
    """Note a figure of one own run, and none of the reference records."""
    drawn = Drawn(runs, plots, EXPERIMENTS)
    drawn.know([name])
    for store in ("own", "reference"):
        drawn.begin(name, store, experiments, [])
        if store == "own":
            files = [] if said else [plots / f"{name}.png"]
            for path in files:
                path.parent.mkdir(exist_ok=True)
                path.write_text("")
            drawn.add(name, store, drawn.facts_of_runs(store, [run.path]), files, said)
        drawn.end(name, store)


def kept(runs, plots, *kinds, experiments=EXPERIMENTS):
    return Drawn(runs, plots, experiments).kept(kinds)


def test_nothing_is_up_to_date_before_it_was_drawn(tmp_path):
    assert kept(tmp_path, tmp_path) is None
    assert kept(tmp_path, tmp_path, "figure7") is None


def test_a_figure_is_up_to_date_until_its_runs_its_files_the_code_or_the_folder_of_runs_change(tmp_path):
    runs, plots = tmp_path / "runs", tmp_path / "plots"
    run = add_run(Store(runs), COLUMNS)
    add_figure(runs, plots, run)
    assert kept(runs, plots) == kept(runs, plots, "figure7") == 1
    assert kept(runs, plots, "phase") is None
    assert kept(tmp_path / "others", plots) is None
    assert kept(runs, plots, experiments=[*EXPERIMENTS, "mine"]) is None

    run.update(sweeps=["mine"])
    assert kept(runs, plots) is None
    add_figure(runs, plots, run)
    assert kept(runs, plots) == 1

    (plots / "figure7.png").unlink()
    assert kept(runs, plots) is None


def test_runs_of_other_experiments_and_unfinished_runs_make_no_figure_old(tmp_path):
    runs, plots = tmp_path / "runs", tmp_path / "plots"
    add_figure(runs, plots, add_run(Store(runs), COLUMNS))
    add_run(Store(runs), COLUMNS, experiment="supervised")
    add_run(Store(runs), COLUMNS, seed=1, status="interrupted")
    assert kept(runs, plots) == 1
    add_run(Store(runs), COLUMNS, seed=1)
    assert kept(runs, plots) is None


def test_a_file_of_the_store_counts_for_a_kind_of_no_experiment_alone(tmp_path):
    runs, plots = tmp_path / "runs", tmp_path / "plots"
    run = add_run(Store(runs), COLUMNS)
    for name, experiments in (("figure7", ["grokking"]), ("cost", [])):
        add_figure(runs, plots, run, name=name, experiments=experiments)
    (runs / "cost.json").write_text("{}")
    assert (kept(runs, plots, "figure7"), kept(runs, plots, "cost")) == (1, None)


def test_what_could_not_be_drawn_is_said_again(tmp_path, capsys):
    runs, plots = tmp_path / "runs", tmp_path / "plots"
    plots.mkdir()
    add_figure(runs, plots, add_run(Store(runs), COLUMNS), said=["figure figure7 not drawn"])
    assert kept(runs, plots) == 0
    assert capsys.readouterr().err == "grok: figure figure7 not drawn\n"


def test_a_state_that_cannot_be_read_counts_as_none(tmp_path):
    for text in ("{", "[]", json.dumps({"runs": str(tmp_path)})):
        (tmp_path / STATE).write_text(text)
        assert kept(tmp_path, tmp_path) is None


def test_facts_are_those_of_finished_runs_and_of_files_beside_them(tmp_path):
    run = add_run(Store(tmp_path), COLUMNS)
    add_run(Store(tmp_path), COLUMNS, seed=1, status="interrupted")
    (tmp_path / "cost.json").write_text("{}")
    facts = record_facts(tmp_path)
    assert {name: list(those) for name, those in facts.items()} == {"grokking": [run.id], "": ["cost.json"]}
    assert record_facts(tmp_path) == facts
    assert code_facts(["a"]) == code_facts(["a"]) != code_facts(["b"])


@pytest.mark.parametrize("change", ["empty", "other", "folder"])
def test_a_file_that_was_changed_is_drawn_again(tmp_path, change):
    runs, plots = tmp_path / "runs", tmp_path / "plots"
    add_figure(runs, plots, add_run(Store(runs), COLUMNS))
    picture = plots / "figure7.png"
    picture.unlink()
    picture.mkdir() if change == "folder" else picture.write_text(change)
    assert kept(runs, plots) is None


@pytest.mark.parametrize("damage", ["", "{}", "[1]", "null", "[" * 100_000, '{"every": 1}', "\x00"])
def test_a_damaged_state_counts_as_none(tmp_path, damage):
    runs, plots = tmp_path / "runs", tmp_path / "plots"
    add_figure(runs, plots, add_run(Store(runs), COLUMNS))
    (plots / STATE).write_text(damage)
    assert kept(runs, plots) is None


@pytest.mark.parametrize("key", ["every", "kinds", "stores", "code"])
@pytest.mark.parametrize("value", [None, 3, "x", [], {}, {"own": {}}])
def test_a_state_that_was_changed_by_hand_counts_as_none(tmp_path, key, value):
    runs, plots = tmp_path / "runs", tmp_path / "plots"
    add_figure(runs, plots, add_run(Store(runs), COLUMNS))
    state = json.loads((plots / STATE).read_text())
    for changed in (state | {key: value}, {name: each for name, each in state.items() if name != key}):
        (plots / STATE).write_text(json.dumps(changed))
        assert kept(runs, plots) is None
