"""The command plans without training, and refuses before anything starts."""

import errno
import json

import pytest

from grok.cli import main
from grok.experiments import EXPERIMENTS
from grok.sweep.expand import expand
from grok.sweep.file import read_sweep
from grok.sweep.packs import Outcome, train_pack
from grok.sweep.run import train_sweep
from tests.experiments.helpers import setup
from tests.sweep.helpers import small_sweep, write


def here(packs, setup, *, stop, watch):
    """Trains in this process."""
    for pack in packs:
        watch.ended(pack, train_pack(pack, setup, stop))
        watch.tick(0)
    return True


def test_what_is_missing_is_trained_and_what_failed_is_told(tmp_path):
    sweep = read_sweep(small_sweep(tmp_path, steps=5, seeds="0", decays="[0, 1]"), EXPERIMENTS)
    wanted = expand(sweep)

    def broken(packs, setup, *, stop, watch):
        watch.ended(packs[0], Outcome(ended=True, failed=1, error="killed"))
        return here(packs[1:], setup, stop=stop, watch=watch)

    rows, ended = train_sweep(sweep, wanted, setup(tmp_path), broken, together=1)
    assert (ended, [(row.state, row.error) for row in rows]) == (True, [("new", "killed"), ("finished", None)])
    rows, ended = train_sweep(sweep, wanted, setup(tmp_path), here, together=1)
    assert (ended, [(row.state, row.error) for row in rows]) == (True, [("finished", None)] * 2)
    assert [row.run.manifest()["sweeps"] for row in rows] == [["sweep"]] * 2


def test_a_sweep_that_is_done_writes_nothing_more(tmp_path, monkeypatch):
    sweep = read_sweep(small_sweep(tmp_path, steps=5, seeds="0", decays="[0]"), EXPERIMENTS)
    before, _ = train_sweep(sweep, expand(sweep), setup(tmp_path), here, together=1)

    def read_only(*_):
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr("grok.tracking.files.os.replace", read_only)
    monkeypatch.setattr("grok.tracking.lock.fcntl.flock", read_only)
    assert train_sweep(sweep, expand(sweep), setup(tmp_path), here, together=1) == (before, True)


def test_files_of_one_name_are_two_sweeps_where_one_names_itself(tmp_path):
    path = small_sweep(tmp_path, steps=5, seeds="0", decays="[0]")
    for text in (path.read_text(), f'name = "mine"\n{path.read_text()}'):
        path.write_text(text)
        sweep = read_sweep(path, EXPERIMENTS)
        ((row,), _) = train_sweep(sweep, expand(sweep), setup(tmp_path), here, together=1)
    assert row.run.manifest()["sweeps"] == ["sweep", "mine"]
    assert row.wanted.block == "mine"


def test_a_dry_run_counts_and_makes_nothing(tmp_path, capsys):
    path, root = small_sweep(tmp_path), tmp_path / "runs"
    assert main(["sweep", str(path), "--runs", str(root), "--dry-run"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "block  runs  finished  new  to resume  to try again  diverged  in use",
        "sweep    12         0   12          0             0         0       0",
    ]
    assert main(["sweep", str(path), "--runs", str(root), "--dry-run", "--json"]) == 0
    assert [row["status"] for row in json.loads(capsys.readouterr().out)] == ["new"] * 12
    assert not root.exists()


@pytest.mark.parametrize(
    ("flags", "line"),
    [
        (["--workers", "0"], "--workers: expected a positive integer, got 0"),
        (["--stack", "0"], "--stack: expected a positive integer, got 0"),
        (
            ["--workers", "2", "--scheduler", "tcp://127.0.0.1:9"],
            "--workers: expected --scheduler local with it: a cluster has the workers that it has",
        ),
    ],
)
def test_what_no_sweep_can_be_is_one_line(tmp_path, capsys, flags, line):
    assert main(["sweep", str(small_sweep(tmp_path)), "--runs", str(tmp_path / "runs"), *flags]) == 2
    assert capsys.readouterr() == ("", f"grok: {line}\n")
    assert not (tmp_path / "runs").exists()


def test_a_bad_file_is_bad_usage(tmp_path, capsys):
    path = write(tmp_path, 'experiment = "grokking"\nseeds = "0"\nbase.steps = "x"\n')
    assert main(["sweep", str(path), "--runs", str(tmp_path / "runs")]) == 2
    assert capsys.readouterr() == ("", f'grok: {path}:3: steps: expected an integer, got "x"\n')
    assert not (tmp_path / "runs").exists()


def test_what_only_the_data_show_to_be_impossible_is_bad_usage_and_nothing_is_trained(tmp_path, capsys):
    path = write(tmp_path, 'experiment = "grokking"\nseeds = "0"\n[axes]\ntask.operation = ["add", "squares"]\n')
    path.write_text(path.read_text() + "task.modulus = [113, 64]\n")
    assert main(["sweep", str(path), "--runs", str(tmp_path / "runs")]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith(f"grok: {path}:4: task.operation: ")
    assert err.endswith('off (task.operation = "squares", task.modulus = 64), with seed 0\n')
    assert not (tmp_path / "runs").exists()
