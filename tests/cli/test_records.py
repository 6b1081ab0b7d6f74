"""Runs are listed, shown, drawn, copied and opened by name, and a missing run is reported."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from grok.cli import main, records
from grok.config import SupervisedConfig
from grok.figures import figure_kinds
from grok.tracking import Store
from tests.cli.helpers import error_line, train, tree
from tests.figures.helpers import add_run, constant
from tests.helpers import new_run


def test_a_run_is_trained_listed_and_shown(runs, capsys):
    assert train(runs, "--seed", "4") == 0
    (run,) = Store(runs).runs()
    shown = capsys.readouterr().out
    assert f"run      {run.path}\nstatus   finished at step 3 after" in shown
    assert run.manifest()["command"][:3] == ["grok", "train", "grokking"]
    assert (run.manifest()["seed"], run.manifest()["config"]["steps"]) == (4, 3)
    assert main(["list", "--runs", str(runs), "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == [run.manifest()]
    assert main(["list", "--runs", str(runs)]) == 0
    assert capsys.readouterr().out.splitlines()[1].split()[:3] == [f"grokking/{run.id}", "finished", "3"]
    assert main(["show", "seed4", "--runs", str(runs), "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == run.manifest()
    assert main(["show", "seed4", "--runs", str(runs)]) == 0
    assert capsys.readouterr().out.strip() in shown


def test_a_store_without_runs_says_how_to_make_one(runs, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["list", "--runs", str(runs)]) == 0
    assert capsys.readouterr().out == f"no runs in {runs}: `grok train grokking` makes one\n"
    assert main(["list", "--runs", str(runs), "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == []
    assert main(["figures", "--runs", str(runs)]) == 1
    assert error_line(capsys) == f"grok: no finished run in {runs} to draw: `grok train grokking` makes one"
    assert main(["figures", "phase", "--runs", str(runs)]) == 1
    assert error_line(capsys) == (
        f"grok: no finished run in {runs} to draw as phase: `grok figures --help` says which runs each figure needs"
    )
    assert main(["figures", "cost", "--runs", str(runs)]) == 1
    assert error_line(capsys) == f"grok: no {runs}/cost.json to draw: `grok bench size --json` prints one"


def test_finished_runs_of_which_nothing_can_be_drawn_are_told_from_none(runs, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    for seed, root in enumerate((runs, runs / "reference")):
        add_run(Store(root), {"x": constant(1.0)}, seed=seed)
        for names, wanted in (([], ""), (["phase", "moduli"], " as phase, moduli")):
            assert main(["figures", *names, "--runs", str(runs)]) == 1
            are = ("1 finished run is", "2 finished runs are")[seed]
            assert capsys.readouterr().err.splitlines()[-1] == (
                f"grok: nothing to draw{wanted}: {are} in {runs}, and `grok figures --help` "
                "says which runs each figure needs"
            )


def test_a_store_without_runs_of_its_own_names_the_reference_records_below_it(runs, capsys, tmp_path):
    for seed in range(3):
        add_run(Store(runs / "reference"), {"x": constant(1.0)}, seed=seed)
    has = f"; `--runs {runs}/reference` has 3"
    assert main(["list", "--runs", str(runs)]) == 0
    assert capsys.readouterr().out == f"no runs in {runs}: `grok train grokking` makes one{has}\n"
    export = ["export", "--to", str(tmp_path / "copies"), "--runs", str(runs)]
    assert main(export) == 0
    assert capsys.readouterr().out == f"0 runs copied to {tmp_path}/copies, 0 there already{has}\n"
    for command in (["show", "seed0", "--runs", str(runs)], [*export, "seed0"]):
        assert main(command) == 1
        assert error_line(capsys) == f"grok: no run 'seed0' in {runs}: see `grok list`{has}"
    new_run(runs)
    assert main(["show", "seed1", "--runs", str(runs)]) == 1
    assert error_line(capsys) == f"grok: no run 'seed1' in {runs}: see `grok list`"
    assert main(export) == 0
    assert capsys.readouterr().out == f"0 runs copied to {tmp_path}/copies, 0 there already\n"


@pytest.mark.parametrize("command", ["resume", "show"])
def test_a_run_that_is_not_there_is_one_line(runs, capsys, command):
    assert main([command, "nothing", "--runs", str(runs)]) == 1
    assert error_line(capsys) == f"grok: no run 'nothing' in {runs}: see `grok list`"


def test_what_figures_leave_out_is_said_once_a_command_though_all_of_them_look_at_both_stores(runs, tmp_path, capsys):
    for root in (runs, runs / "reference"):
        add_run(Store(root), {"x": constant(1.0)}, sweeps=["mine"])
        unknown = add_run(Store(root), {"x": constant(1.0)}, seed=1)
        unknown.update(config=unknown.manifest()["config"] | {"loss": "hinge"})
        unreadable = add_run(Store(root), {"x": constant(1.0)}, seed=2)
        (unreadable.path / "run.json").write_text("{")
    command = ["figures", "figure7", "phase", "sample-sizes", "--runs", str(runs), "--plots", str(tmp_path / "plots")]
    for _ in range(2):
        assert main(command) == 1
        *lines, _ = capsys.readouterr().err.splitlines()
        starts = [
            f"grok: left out: {runs}/grokking/{unreadable.id}/run.json cannot be read",
            f"grok: run {unknown.name} left out (draw it with the version that trained it): loss: expected one of",
            "grok: figure figure7 not drawn for ",
            f"grok: left out: {runs}/reference/grokking/{unreadable.id}/run.json cannot be read",
        ]
        assert [line[: len(start)] for line, start in zip(lines, starts, strict=True)] == starts


def test_a_sweep_is_shown_by_its_name_as_the_list_of_its_finished_runs(runs, capsys):
    mine = [add_run(Store(runs), {"x": constant(1.0)}, seed=seed, sweeps=["all", "p113"]) for seed in (0, 1)]
    add_run(Store(runs), {"x": constant(1.0)}, seed=2, sweeps=["all"])
    assert main(["show", "p113", "--runs", str(runs)]) == 0  # although it is a part of three ids
    _, *lines = capsys.readouterr().out.splitlines()
    assert [line.split()[:3] for line in lines] == [[run.name, "finished", "2000"] for run in mine]
    assert main(["show", "p113", "--runs", str(runs), "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == [run.manifest() for run in mine]
    assert main(["show", "seed2", "--runs", str(runs), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["seed"] == 2


def test_figures_that_are_up_to_date_are_counted_without_the_libraries_that_draw(runs, tmp_path, capsys):
    run = add_run(Store(runs), {"interplay/sample/test/mir": constant(0.4), "interplay/sample/test/hdr": constant(0.1)})
    where = ["--runs", str(runs), "--plots", str(tmp_path / "plots")]
    command = ["figures", *where]
    assert main(command) == 0
    name = f"figure7-{run.id.partition('-seed')[0]}"
    drawn = [str(tmp_path / "plots" / f"{name}.{ending}") for ending in ("png", "pdf", "csv")]
    assert capsys.readouterr().out.splitlines() == drawn
    up_to_date = "1 figure is up to date (`grok figures --again` draws them anew)\n"
    for names in ([], ["figure7"]):
        ran = f"import sys; from grok.cli import main; main({['figures', *names, *where]})"
        code = f"{ran}; sys.exit('pandas' in sys.modules)"
        result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
        assert (result.returncode, result.stdout) == (0, up_to_date)
    assert main([*command, "--again"]) == 0
    assert capsys.readouterr().out.splitlines() == drawn


@pytest.mark.parametrize("name", ["run.json", "metrics.parquet"])
def test_a_truncated_file_is_one_line_and_is_left_as_it_is(runs, tmp_path, capsys, name):
    assert train(runs) == 0
    (run,) = Store(runs).runs()
    path = run.path / name
    path.write_bytes(path.read_bytes()[:100])
    before = tree(runs)
    capsys.readouterr()
    command = ["show", str(run.path)] if name == "run.json" else ["figures", "--plots", str(tmp_path / "plots")]
    assert main([*command, "--runs", str(runs)]) == 1
    line = error_line(capsys)
    assert str(path) in line
    assert ": restore it" in line
    assert tree(runs) == before


def test_the_dashboard_opens_the_newest_mirror_or_that_of_the_run_named(runs, capsys, monkeypatch):
    opened = []

    def fake_run(command, check):
        opened.append(command)
        return subprocess.CompletedProcess(command, 0)

    monkeypatch.setattr(records.subprocess, "run", fake_run)
    old, new, _ = (new_run(runs, seed=seed) for seed in (1, 2, 3))
    assert main(["dashboard", "--runs", str(runs)]) == 1
    assert error_line(capsys) == f"grok: no run with a wandb mirror in {runs}: train one without --wandb disabled"
    for run in (old, new):
        (run.path / "wandb").mkdir()
    assert main(["dashboard", "--runs", str(runs)]) == 0
    assert main(["dashboard", "seed1", "--runs", str(runs)]) == 0
    assert [Path(command[-1]) for command in opened] == [new.path / "wandb", old.path / "wandb"]
    assert main(["dashboard", "seed3", "--runs", str(runs)]) == 1


def test_export_copies_finished_runs_and_those_of_a_sweep_by_its_name(runs, capsys, tmp_path):
    for seed, sweeps in enumerate([["mine"], ["mine", "yours"], ["yours"], []]):
        add_run(Store(runs), {"x": constant(1.0)}, seed=seed, sweeps=sweeps)
    small = tmp_path / "small"
    for name, line in (("mine", "2 runs copied to {}, 0"), ("yours", "1 runs copied to {}, 1")):
        assert main(["export", name, "--to", str(small), "--runs", str(runs)]) == 0
        assert capsys.readouterr().out == f"{line.format(small)} there already\n"
    sweeps = [run.manifest().get("sweeps") for run in Store(small).runs()]
    assert sweeps == [["mine"], ["mine", "yours"], ["yours"]]
    assert main(["export", "seed3", "--to", str(small), "--runs", str(runs)]) == 0
    assert main(["export", "--to", str(tmp_path / "all"), "--runs", str(runs)]) == 0
    assert len(list((tmp_path / "all").rglob("run.json"))) == 4
    assert main(["export", "seed0", "--to", str(small), "--runs", str(runs), "--rows", "9"]) == 1
    assert "is there already: expected exported {'rows_a_decade': 9" in capsys.readouterr().err


def test_runs_of_one_id_are_all_exported(runs, capsys, tmp_path):
    config = SupervisedConfig()
    for experiment in ("supervised", "pruning"):
        run = add_run(Store(runs), {"x": constant(1.0)}, config=config, experiment=experiment, sweeps=[experiment])
    small = tmp_path / "small"
    names = ["supervised", "pruning", str(run.path), run.name]
    assert main(["export", *names, "--to", str(small), "--runs", str(runs)]) == 0
    assert capsys.readouterr().out == f"2 runs copied to {small}, 0 there already\n"
    assert [copy.name for copy in Store(small).runs()] == [f"supervised/{run.id}", f"pruning/{run.id}"]


def test_the_help_of_figures_says_of_each_what_it_is_drawn_of(capsys):
    with pytest.raises(SystemExit):
        main(["figures", "--help"])
    lines = capsys.readouterr().out.splitlines()
    assert all(f"{name}: {kind.about}" in lines for name, kind in figure_kinds().items())
