"""A sweep's runs are each finished, once, with the record of an undisturbed one, whatever is killed on the way."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import pytest

from grok.cli import main
from grok.experiment import experiment
from grok.experiments.many import train_many
from grok.sweep.local import RETRIES, train_locally
from grok.sweep.packs import Pack, existing_runs, make_packs
from grok.tracking import Store
from tests.experiments.helpers import setup, start
from tests.helpers import new_run
from tests.sweep.helpers import small_sweep, wanted_of

ROOT = Path(__file__).parents[2]


class Outcomes:
    """Keeps the outcomes of packs, by their first key's seed."""

    def __init__(self):
        self.seen = {}

    def ended(self, pack, outcome):
        self.seen[pack.wanted[0]] = outcome

    def tick(self, under_way):
        pass


def sweep_flags(path, root):
    return ["sweep", str(path), "--runs", str(root), "--workers", "2", "--wandb", "disabled", "--device", "cpu"]


def begin(path, root):
    """The command in a process group of its own, as a shell starts it."""
    return subprocess.Popen(
        [sys.executable, "-m", "grok", *sweep_flags(path, root)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        process_group=0,
    )


def statuses(root):
    return [run.manifest()["status"] for run in Store(root).runs()]


def wait_until(condition, seconds=60):
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.05)


def assert_each_once_with_the_record_of(root, undisturbed):
    runs = existing_runs(Store(root), "grokking")
    assert len(runs) == len(Store(root).runs())
    expected = existing_runs(undisturbed, "grokking")
    assert set(runs) <= set(expected)
    for key, run in runs.items():
        assert run.manifest()["status"] == "finished"
        pd.testing.assert_frame_equal(run.metrics(), expected[key].metrics(), check_exact=True)
    return runs


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("sweep")


@pytest.fixture(scope="module")
def dozen(folder):
    return small_sweep(folder, steps=200)


@pytest.fixture(scope="module")
def undisturbed(dozen, folder):
    assert main(sweep_flags(dozen, folder / "runs")) == 0
    return Store(folder / "runs")


def test_two_workers_train_a_dozen_runs_as_each_would_be_alone(undisturbed, dozen, tmp_path):
    wanted = wanted_of(dozen)
    runs = existing_runs(undisturbed, "grokking")
    assert set(runs) == {each.key for each in wanted}
    assert statuses(undisturbed.root) == ["finished"] * 12
    alone, _ = start(tmp_path, wanted[5].config)
    seed_0 = runs[wanted[5].config, 0]
    pd.testing.assert_frame_equal(seed_0.metrics(), alone.metrics(), check_exact=True)


def test_after_a_kill_of_the_command_no_worker_trains_on_and_the_same_command_goes_on(undisturbed, dozen, tmp_path):
    process = begin(dozen, tmp_path)
    wait_until(lambda: "finished" in statuses(tmp_path) and "running" in statuses(tmp_path))
    process.kill()
    process.communicate()
    wait_until(lambda: "running" not in statuses(tmp_path), seconds=10)
    begun = len(statuses(tmp_path))
    assert begun < 12
    assert main(sweep_flags(dozen, tmp_path)) == 0
    assert len(assert_each_once_with_the_record_of(tmp_path, undisturbed)) == 12


def test_two_commands_begun_together_train_each_run_once(undisturbed, dozen, tmp_path):
    processes = [begin(dozen, tmp_path) for _ in range(2)]
    for process in processes:
        out, err = process.communicate(timeout=120)
        assert (process.returncode, [line for line in err.splitlines() if line.startswith("grok: ")]) == (0, [])
        assert out.count("         4         4 ") == 3
    assert len(assert_each_once_with_the_record_of(tmp_path, undisturbed)) == 12


def test_ctrl_c_saves_every_run_under_way_and_says_how_to_go_on(dozen, tmp_path):
    process = begin(dozen, tmp_path)
    wait_until(lambda: statuses(tmp_path).count("running") == 2)
    os.killpg(process.pid, signal.SIGINT)
    _, err = process.communicate(timeout=30)
    assert process.returncode == 130
    assert err.splitlines()[-1] == "Interrupted; all is saved. The same command goes on."
    assert set(statuses(tmp_path)) <= {"finished", "interrupted"}
    assert "interrupted" in statuses(tmp_path)


def train(wanted, root, *, stop):
    packs = make_packs(experiment("grokking"), wanted, existing_runs(Store(root), "grokking"), 1)
    watch = Outcomes()
    assert train_locally(packs, setup(root), workers=2, threads=1, stop=stop, watch=watch)
    return watch.seen


def kill_holders(root, killed, *, times, steps=1):
    """A `stop` that kills the processes that train runs of so many steps, so many times in all."""

    def stop():
        for run in Store(root).runs():
            holder = run.lock_holder()
            if holder and len(killed) < times and run.manifest()["config"]["steps"] >= steps and holder not in killed:
                os.kill(holder, signal.SIGKILL)
                killed.append(holder)
        return False

    return stop


def test_a_worker_that_is_killed_is_replaced_and_its_run_goes_on(undisturbed, dozen, tmp_path):
    killed = []
    outcomes = train(wanted_of(dozen)[:4], tmp_path, stop=kill_holders(tmp_path, killed, times=1))
    assert len(killed) == 1
    assert [outcome.failed for outcome in outcomes.values()] == [0] * 4
    assert len(assert_each_once_with_the_record_of(tmp_path, undisturbed)) == 4


def test_a_run_whose_workers_always_die_is_given_up_and_the_others_are_trained(tmp_path):
    short = wanted_of(small_sweep(tmp_path, steps=10, seeds="0", decays="[0, 1]"))
    (long,) = wanted_of(small_sweep(tmp_path, steps=100_000, seeds="0", decays="[0.5]"))
    killed = []
    outcomes = train([long, *short], tmp_path, stop=kill_holders(tmp_path, killed, times=9, steps=100_000))
    assert len(killed) == RETRIES + 1
    assert outcomes.pop(long.key).error.startswith("its worker died 3 times, at last by SIGKILL: give it more memory")
    assert [outcome.failed for outcome in outcomes.values()] == [0, 0]


def test_runs_that_were_finished_before_their_workers_died_are_not_counted_as_failed(tmp_path):
    short = wanted_of(small_sweep(tmp_path, steps=10, seeds="0", decays="[0]"))
    (long,) = wanted_of(small_sweep(tmp_path, steps=100_000, seeds="0", decays="[0.5]"))
    (first, second) = make_packs(experiment("grokking"), [*short, long], {}, 1)
    both = Pack(experiment="grokking", wanted=first.wanted + second.wanted)
    stop, watch = kill_holders(tmp_path, [], times=9, steps=100_000), Outcomes()
    new_run(tmp_path, seed=0, config=short[0].config).update(status="finished")
    assert train_locally([both], setup(tmp_path), workers=1, threads=1, stop=stop, watch=watch)
    assert watch.seen[short[0].key].failed == 1


def test_a_pack_that_fails_is_a_line_at_the_end_and_the_others_are_trained(tmp_path, capsys):
    path = small_sweep(tmp_path, steps=10, seeds="0-2", decays="[1]")
    root = tmp_path / "runs"
    pairs = [(each.config, each.seed) for each in wanted_of(path)]
    runs, _ = train_many(experiment("grokking"), pairs, setup(root), together=1)
    for run in runs[:2]:
        run.update(status="interrupted")
    runs[0].metrics_path.unlink()
    capsys.readouterr()
    assert main(sweep_flags(path, root)) == 1
    shown = capsys.readouterr()
    (line,) = [line for line in shown.err.splitlines() if line.startswith("grok: ")]
    assert line.startswith(f"grok: {runs[0].name}: {runs[0].metrics_path} is missing: restore it")
    assert "\nsweep  1.0                        3         2        0" in shown.out
    assert statuses(root) == ["interrupted", "finished", "finished"]
