"""Every run of a sweep is finished once, with the record of an undisturbed run, whichever process is killed."""

import os
import signal
import subprocess
import sys
from collections import Counter
from contextlib import suppress
from multiprocessing.connection import Connection
from pathlib import Path
from threading import Thread
from types import SimpleNamespace

import pandas as pd
import pytest

from grok.cli import main
from grok.experiment import experiment
from grok.sweep import local
from grok.sweep.local import RETRIES, train_locally
from grok.sweep.packs import Outcome, Pack, existing_runs, make_packs
from grok.tracking import Store
from tests.experiments.helpers import setup, start
from tests.helpers import FAIL_SAFE, new_run, wait_until
from tests.sweep.helpers import small_sweep, wanted_of

ROOT = Path(__file__).parents[2]
DONE = Outcome(ended=True)
LONG = 1_000_000  # steps: no machine is there before it is stopped


class Outcomes:
    """Keeps the outcomes of packs, by their first key."""

    def __init__(self):
        self.seen = {}

    def ended(self, pack, outcome):
        self.seen[pack.wanted[0]] = outcome

    def tick(self, under_way):
        pass


def packs_of(wanted, root):
    return make_packs(experiment("grokking"), wanted, existing_runs(Store(root), "grokking"), 1)


def train(packs, root, *, stop=lambda: False, workers=2):
    """What became of each pack, and whether all came to their end."""
    watch = Outcomes()
    ended = train_locally(packs, setup(root), workers=workers, threads=1, stop=stop, watch=watch)
    return watch.seen, ended


@pytest.fixture
def processes(monkeypatch):
    """Processes that train nothing: a pack's outcome is what `answer` says, and None kills its process by SIGKILL."""

    class Process:
        started = 0
        returncode = None

        @staticmethod
        def answer(pack, pipe):
            return DONE

        def __init__(self, command, *, pass_fds, **how):
            Process.started += 1
            self._thread = Thread(target=self._serve, args=(Connection(os.dup(pass_fds[0])),))
            self._thread.start()

        def _serve(self, pipe):
            with pipe, suppress(EOFError):
                pipe.recv()
                while pack := pipe.recv():
                    if not (outcome := Process.answer(pack, pipe)):
                        self.returncode = -signal.SIGKILL
                        return
                    pipe.send(outcome)

        def wait(self):
            self._thread.join()

    monkeypatch.setattr(local, "subprocess", SimpleNamespace(Popen=Process, DEVNULL=subprocess.DEVNULL))
    return Process


def dies(pack_seed, *, times):
    """An `answer`: the process dies so many times at the pack of this seed."""
    tries = Counter()

    def answer(pack, pipe):
        tries[pack.wanted[0]] += 1
        return None if pack.wanted[0][1] == pack_seed and tries[pack.wanted[0]] <= times else DONE

    return answer


@pytest.fixture
def three(tmp_path):
    return packs_of(wanted_of(small_sweep(tmp_path, seeds="0-2", decays="[1]")), tmp_path / "runs")


def test_a_process_that_dies_is_replaced_and_its_pack_tried_again(processes, three, tmp_path):
    processes.answer = dies(1, times=RETRIES)
    assert train(three, tmp_path, workers=1) == ({pack.wanted[0]: DONE for pack in three}, True)
    assert processes.started == 1 + RETRIES


def test_a_pack_at_which_processes_always_die_is_given_up_and_the_others_are_trained(processes, three, tmp_path):
    processes.answer = dies(1, times=RETRIES + 1)
    outcomes, ended = train(three, tmp_path)
    assert ended
    assert [outcomes[pack.wanted[0]].failed for pack in three] == [0, 1, 0]
    error = outcomes[three[1].wanted[0]].error
    assert error.startswith("its worker died 3 times, at last by SIGKILL: give it more memory")


def test_runs_that_were_finished_before_their_process_died_are_not_counted_as_failed(processes, three, tmp_path):
    wanted = three[0].wanted + three[1].wanted
    new_run(tmp_path, seed=0, config=wanted[0][0]).update(status="finished")
    processes.answer = dies(0, times=RETRIES + 1)
    outcomes, _ = train([Pack(experiment="grokking", wanted=wanted)], tmp_path)
    assert outcomes[wanted[0]].failed == 1


def test_after_an_error_the_next_pack_has_a_process_of_its_own(processes, three, tmp_path):
    broken = Outcome(ended=True, failed=1, error="no space left")
    processes.answer = lambda pack, pipe: broken if pack is not None and pack.wanted[0][1] == 0 else DONE
    outcomes, _ = train(three, tmp_path, workers=1)
    assert list(outcomes.values()) == [broken, DONE, DONE]
    assert processes.started == 2


def test_who_is_told_to_stop_lets_each_process_save_and_begins_no_more(processes, three, tmp_path):
    told = []

    def answer(pack, pipe):
        told.append(pipe.recv())
        return Outcome(ended=False)

    processes.answer = answer
    looks = iter([False, False, True])
    assert train(three, tmp_path, stop=lambda: next(looks, True)) == ({}, False)
    assert (told, processes.started) == ([None, None], 2)


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


def test_two_processes_train_the_runs_as_each_would_be_alone(tmp_path):
    path, root = small_sweep(tmp_path, steps=30, seeds="0-1", decays="[0, 1]"), tmp_path / "runs"
    assert main(sweep_flags(path, root)) == 0
    wanted = wanted_of(path)
    runs = existing_runs(Store(root), "grokking")
    assert set(runs) == {each.key for each in wanted}
    assert statuses(root) == ["finished"] * 4
    for each in wanted:
        if each.seed == 0:
            alone, _ = start(tmp_path / "alone", each.config)
            pd.testing.assert_frame_equal(runs[each.key].metrics(), alone.metrics(), check_exact=True)


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


@pytest.mark.torture
def test_after_a_kill_of_the_command_no_worker_trains_on_and_the_same_command_goes_on(undisturbed, dozen, tmp_path):
    process = begin(dozen, tmp_path)
    wait_until(lambda: "finished" in statuses(tmp_path) and "running" in statuses(tmp_path))
    process.kill()
    process.communicate()
    wait_until(lambda: "running" not in statuses(tmp_path))
    assert main(sweep_flags(dozen, tmp_path)) == 0
    assert len(assert_each_once_with_the_record_of(tmp_path, undisturbed)) == 12


@pytest.mark.torture
def test_two_commands_begun_together_train_each_run_once(undisturbed, dozen, tmp_path):
    processes = [begin(dozen, tmp_path) for _ in range(2)]
    for process in processes:
        out, err = process.communicate(timeout=FAIL_SAFE)
        assert (process.returncode, [line for line in err.splitlines() if line.startswith("grok: ")]) == (0, [])
        assert out.count("         4         4 ") == 3
    assert len(assert_each_once_with_the_record_of(tmp_path, undisturbed)) == 12


@pytest.mark.torture
def test_ctrl_c_saves_every_run_under_way_and_says_how_to_go_on(tmp_path):
    root = tmp_path / "runs"
    process = begin(small_sweep(tmp_path, steps=LONG, seeds="0-2", decays="[1]"), root)
    wait_until(lambda: statuses(root).count("running") == 2)
    os.killpg(process.pid, signal.SIGINT)
    _, err = process.communicate(timeout=FAIL_SAFE)
    assert process.returncode == 130
    assert err.splitlines()[-1] == "Interrupted; everything is saved. To continue, run the same command again."
    assert statuses(root) == ["interrupted"] * 2


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


@pytest.mark.torture
def test_a_run_whose_process_is_killed_has_the_record_of_an_undisturbed_one(undisturbed, dozen, tmp_path):
    killed = []
    packs = packs_of(wanted_of(dozen)[:4], tmp_path)
    outcomes, _ = train(packs, tmp_path, stop=kill_holders(tmp_path, killed, times=1))
    assert len(killed) == 1
    assert [outcome.failed for outcome in outcomes.values()] == [0] * 4
    assert len(assert_each_once_with_the_record_of(tmp_path, undisturbed)) == 4


@pytest.mark.torture
def test_a_run_whose_processes_are_always_killed_is_given_up_and_the_others_are_trained(tmp_path):
    short = wanted_of(small_sweep(tmp_path, steps=10, seeds="0", decays="[0, 1]"))
    (long,) = wanted_of(small_sweep(tmp_path, steps=LONG, seeds="0", decays="[0.5]"))
    killed = []
    stop = kill_holders(tmp_path, killed, times=9, steps=LONG)
    outcomes, _ = train(packs_of([long, *short], tmp_path), tmp_path, stop=stop)
    assert len(killed) == RETRIES + 1
    assert outcomes.pop(long.key).error.startswith("its worker died 3 times, at last by SIGKILL: give it more memory")
    assert [outcome.failed for outcome in outcomes.values()] == [0, 0]
