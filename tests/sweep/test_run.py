"""The command can plan without training, and rejects bad options before any training starts."""

import errno
import json

import pytest

from grok.cli import main
from grok.config import ConfigError
from grok.experiment import experiment, experiments
from grok.experiments.many import train_many
from grok.sweep.expand import expand
from grok.sweep.file import read_sweep
from grok.sweep.packs import Outcome, train_pack
from grok.sweep.run import check_data, train_sweep
from grok.tasks.images import DataFolder
from grok.tracking import Store
from tests.experiments.helpers import setup
from tests.figures.helpers import add_run, constant
from tests.helpers import CPU
from tests.sweep.helpers import small_sweep, wanted_of, write
from tests.tasks.images.test_cifar import HUB_FOLDERS
from tests.tasks.images.test_cifar import write as write_cifar


def here(packs, setup, *, stop, watch):
    """Trains in this process."""
    for pack in packs:
        watch.ended(pack, train_pack(pack, setup, stop))
        watch.tick(0)
    return True


def test_what_is_missing_is_trained_and_what_failed_is_told(tmp_path):
    sweep = read_sweep(small_sweep(tmp_path, steps=5, seeds="0", decays="[0, 1]"), experiments())
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
    sweep = read_sweep(small_sweep(tmp_path, steps=5, seeds="0", decays="[0]"), experiments())
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
        sweep = read_sweep(path, experiments())
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
            "--workers: expected --scheduler local, got tcp://127.0.0.1:9 (a cluster starts its own workers)",
        ),
    ],
)
def test_options_that_a_sweep_cannot_have_are_rejected_in_one_line(tmp_path, capsys, flags, line):
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


CIFAR = 'experiment = "supervised"\npreset = "paper"\nseeds = "0-2"\n'


def test_a_data_set_that_is_not_there_is_bad_usage_once_and_no_worker_starts(tmp_path, capsys, monkeypatch):
    path, root, data = write(tmp_path, CIFAR), tmp_path / "runs", tmp_path / "data"
    monkeypatch.setattr("grok.sweep.local.subprocess", None)
    assert main(["sweep", str(path), "--runs", str(root), "--data", str(data)]) == 2
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert err.startswith(f"grok: cifar10: expected train.parquet or train-00000-of-00001.parquet in {data}/cifar10, ")
    assert not root.exists()


def test_on_a_cluster_data_are_looked_for_by_the_workers_alone(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("grok.cli.training._launch", lambda options, store: (CPU, lambda *packs, **how: True))
    flags = ["--runs", str(tmp_path / "runs"), "--data", str(tmp_path / "data"), "--scheduler", "tcp://127.0.0.1:9"]
    assert main(["sweep", str(write(tmp_path, CIFAR)), *flags]) == 1
    assert "cifar10: expected" not in capsys.readouterr().err


def test_runs_that_are_finished_need_no_data(tmp_path):
    wanted, how = wanted_of(write(tmp_path, CIFAR)), setup(tmp_path, data=DataFolder(path=tmp_path / "none"))
    supervised = experiment("supervised")
    for each in wanted[:2]:
        add_run(Store(tmp_path), {"x": constant(1.0)}, config=each.config, seed=each.seed, experiment="supervised")
    check_data(supervised, wanted[:2], how)
    with pytest.raises(ConfigError, match=r"^cifar10: expected train\.parquet"):
        check_data(supervised, wanted, how)


def test_a_data_set_is_fetched_once_before_any_run_trains(tmp_path, monkeypatch):
    monkeypatch.setenv("HF_ENDPOINT", (tmp_path / "hub").as_uri())
    write_cifar(tmp_path / "hub" / HUB_FOLDERS["cifar10"], "cifar10", suffix="-00000-of-00001")
    wanted = wanted_of(write(tmp_path, CIFAR))
    data = DataFolder(path=tmp_path / "data", download=True)
    check_data(experiment("supervised"), wanted, setup(tmp_path / "runs", data=data))
    assert len(list((tmp_path / "data" / "cifar10").iterdir())) == 2
    monkeypatch.setenv("HF_ENDPOINT", (tmp_path / "nowhere").as_uri())
    check_data(experiment("supervised"), wanted, setup(tmp_path / "runs", data=DataFolder(path=tmp_path / "data")))


@pytest.fixture
def train_here(monkeypatch):
    """Let the command train its packs in this process."""
    monkeypatch.setattr("grok.cli.training._launch", lambda options, store: (CPU, here))


@pytest.mark.usefixtures("train_here")
def test_a_pack_that_fails_is_a_line_at_the_end_and_the_others_are_trained(tmp_path, capsys):
    path, root = small_sweep(tmp_path, steps=10, seeds="0-2", decays="[1]"), tmp_path / "runs"
    pairs = [(each.config, each.seed) for each in wanted_of(path)]
    runs, _ = train_many(experiment("grokking"), pairs, setup(root), together=1)
    for run in runs[:2]:
        run.update(status="interrupted")
    runs[0].metrics_path.unlink()
    capsys.readouterr()
    assert main(["sweep", str(path), "--runs", str(root), "--wandb", "disabled"]) == 1
    shown = capsys.readouterr()
    (line,) = [line for line in shown.err.splitlines() if line.startswith("grok: ")]
    assert line.startswith(f"grok: {runs[0].name}: {runs[0].metrics_path} is missing: restore it")
    assert "\nsweep  1.0                        3         2        0" in shown.out
    assert [run.manifest()["status"] for run in runs] == ["interrupted", "finished", "finished"]


@pytest.mark.usefixtures("train_here")
def test_where_nothing_finished_there_is_nothing_to_draw(tmp_path, capsys):
    path = small_sweep(tmp_path, steps=5, seeds="0", decays="[0]")
    path.write_text(path.read_text().replace("[axes]", "optimiser.learning_rate = 1e30\n[axes]"))
    assert main(["sweep", str(path), "--runs", str(tmp_path / "runs"), "--wandb", "disabled"]) == 1
    assert capsys.readouterr().out.splitlines()[-1].split() == ["sweep", "0.0", "1", "0", "0", "-", "-"]
