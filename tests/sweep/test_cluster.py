"""On a dask cluster each run is trained once, even if a worker is killed during one."""

import importlib
import itertools
import logging
import os
import signal
import sys
import threading
from collections import Counter
from contextlib import contextmanager, suppress
from types import SimpleNamespace

import pandas as pd
import pytest

from grok.arguments import UsageError
from grok.cli import main
from grok.experiment import experiment
from grok.sweep.cluster import RETRIES, device_of, train_on_cluster
from grok.sweep.packs import Outcome, existing_runs, make_packs
from grok.tracking import Store, StoreError
from tests.experiments.helpers import setup, start
from tests.helpers import new_run, wait_until
from tests.sweep.helpers import small_sweep, wanted_of

pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::DeprecationWarning:distributed")


class ClientOfNobody:
    """What a client says once its scheduler has died."""

    scheduler = SimpleNamespace(address="tcp://127.0.0.1:8786")

    def nthreads(self):
        raise OSError("Timed out trying to connect")


def test_a_scheduler_that_has_died_is_one_line_with_the_mend(tmp_path):
    gone = "the scheduler at tcp://127.0.0.1:8786 is gone: its workers save and stop; start it again"
    with pytest.raises(StoreError, match=gone):
        device_of(ClientOfNobody(), Store(tmp_path))


@contextmanager
def local_cluster(**how):
    """The address of a scheduler whose workers, two if not said otherwise, are threads of this process."""
    distributed = pytest.importorskip("distributed")
    usual = {"n_workers": 2, "threads_per_worker": 1, "processes": False, "protocol": "tcp", "host": "127.0.0.1"}
    quiet = {"dashboard_address": ":0", "silence_logs": logging.CRITICAL}
    with distributed.LocalCluster(**usual | quiet | how) as cluster:
        yield cluster.scheduler_address


@pytest.fixture(scope="module")
def cluster():
    with local_cluster() as address:
        yield address


def sweep(path, root, address, *flags):
    status = main(["sweep", str(path), "--runs", str(root), "--scheduler", address, "--wandb", "disabled", *flags])
    with suppress(ImportError, ValueError):  # the client, where there is one, goes with the command
        importlib.import_module("distributed").default_client().close()
    return status


def assert_each_is_there_once_as_it_would_be_alone(path, root):
    wanted = wanted_of(path)
    runs = existing_runs(Store(root), "grokking")
    assert [run.manifest()["status"] for run in Store(root).runs()] == ["finished"] * len(wanted)
    assert set(runs) == {each.key for each in wanted}
    for each in wanted:
        if each.seed == 0:
            alone, _ = start(root.parent / "alone", each.config)
            pd.testing.assert_frame_equal(runs[each.key].metrics(), alone.metrics(), check_exact=True)


def test_every_run_is_trained_once_as_it_would_be_alone(tmp_path, cluster):
    path = small_sweep(tmp_path, steps=30, seeds="0-1", decays="[0, 1]")
    assert sweep(path, tmp_path / "runs", cluster) == 0
    assert_each_is_there_once_as_it_would_be_alone(path, tmp_path / "runs")


def kill_a_holder(root, killed):
    """Kill the first process that is seen training a run beyond the first."""
    holders = []

    def seen():
        holders.extend(holder for run in Store(root).runs()[1:] if (holder := run.lock_holder()))
        return holders

    wait_until(seen)
    os.kill(holders[0], signal.SIGKILL)
    killed.append(holders[0])


@pytest.mark.torture
def test_every_run_is_there_once_although_a_worker_is_killed(tmp_path):
    path, root = small_sweep(tmp_path, seeds="0-1"), tmp_path / "runs"
    killed: list[int] = []
    killer = threading.Thread(target=kill_a_holder, args=(root, killed), daemon=True)
    killer.start()
    with local_cluster(processes=True) as address:
        assert sweep(path, root, address) == 0
    killer.join()
    assert len(killed) == 1
    assert_each_is_there_once_as_it_would_be_alone(path, root)


def press_ctrl_c_once_a_run_trains(root):
    wait_until(lambda: any(run.manifest()["status"] == "running" for run in Store(root).runs()))
    os.kill(os.getpid(), signal.SIGINT)


@pytest.mark.usefixtures("ctrl_c_works")
@pytest.mark.parametrize("processes", [False, pytest.param(True, marks=pytest.mark.torture)])
def test_ctrl_c_lets_the_workers_save(tmp_path, capsys, processes):
    path, root = small_sweep(tmp_path, steps=1_000_000, seeds="0", decays="[1]"), tmp_path / "runs"
    presser = threading.Thread(target=press_ctrl_c_once_a_run_trains, args=(root,), daemon=True)
    presser.start()
    with local_cluster(processes=processes) as address:
        assert sweep(path, root, address) == 130
    presser.join()
    assert [run.manifest()["status"] for run in Store(root).runs()] == ["interrupted"]
    assert capsys.readouterr().err.endswith("everything is saved. To continue, run the same command again.\n")


def test_a_store_that_the_workers_do_not_see_is_refused_before_anything_starts(tmp_path, cluster, capsys):
    path = small_sweep(tmp_path)
    (tmp_path / "runs").write_text("a file")
    assert sweep(path, tmp_path / "runs", cluster) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line == f"grok: cannot make {tmp_path}/runs (File exists): choose another --runs"


def test_a_gpu_that_no_worker_has_is_bad_usage(tmp_path, cluster, capsys):
    assert sweep(small_sweep(tmp_path), tmp_path / "runs", cluster, "--device", "cuda") == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line == "grok: --device: expected a device that all workers have, got cuda: use --device cpu"


def test_a_scheduler_without_a_worker_is_waited_at_and_that_is_said_until_ctrl_c(tmp_path, capsys, monkeypatch):
    seconds = itertools.count()

    def sleep(_):
        if next(looks) == 5:
            raise KeyboardInterrupt

    looks = itertools.count()
    clock = SimpleNamespace(monotonic=lambda: next(seconds), sleep=sleep)
    with local_cluster(n_workers=0) as address:
        monkeypatch.setattr("grok.sweep.cluster.time", clock)
        assert sweep(small_sweep(tmp_path), tmp_path / "runs", address) == 130
    assert capsys.readouterr().err.splitlines() == [
        f"grok: waiting for a worker: `dask worker {address}` starts one",
        "grok: interrupted",
    ]


class Future:
    def __init__(self, status="pending", error=None):
        self.status, self.error, self.lost = status, error, False

    def done(self):
        return self.status != "pending"

    def exception(self):
        return self.error

    def result(self, timeout):
        if self.lost:
            self.status = "pending"
            raise TimeoutError
        return Outcome(ended=True)


class Client:
    """A cluster on which `happen` tells, at each look, who is there and what has become of the tasks."""

    def __init__(self, happen):
        self.happen, self.tasks = happen, []

    def nthreads(self):
        return dict.fromkeys(self.happen(self.tasks), 4)

    def submit(self, function, pack, setup, *, pure, workers):
        self.tasks.append((Future(), pack, *workers))
        return self.tasks[-1][0]

    def cancel(self, futures):
        pass


class Outcomes:
    def __init__(self):
        self.seen, self.under_way = [], []

    def ended(self, pack, outcome):
        self.seen.append((pack.wanted, outcome.failed, outcome.error))

    def tick(self, under_way):
        self.under_way.append(under_way)


def train(root, wanted, happen, monkeypatch, *, together=1):
    monkeypatch.setattr("grok.sweep.cluster.TICK", 0)
    client, watch = Client(happen), Outcomes()
    packs = make_packs(experiment("grokking"), wanted, {}, together)
    assert train_on_cluster(packs, setup(root), client=client, stop=lambda: False, watch=watch)
    return [(pack.wanted[0], address) for _, pack, address in client.tasks], watch


def test_a_worker_of_many_threads_has_one_pack_at_a_time_and_one_that_comes_late_has_its_share(tmp_path, monkeypatch):
    wanted = wanted_of(small_sweep(tmp_path, seeds="0-3", decays="[1]"))
    looks = itertools.count()

    def happen(tasks):
        look = next(looks)
        if look == 3:
            tasks[0][0].status = "finished"
        if look > 4:
            for future, *_ in tasks:
                future.status = "finished"
        return ["a", "b"] if look < 2 else ["a", "b", "c"]

    tasks, watch = train(tmp_path, wanted, happen, monkeypatch)
    keys = [each.key for each in wanted]
    assert tasks == [(keys[0], "a"), (keys[1], "b"), (keys[2], "c"), (keys[3], "a")]
    assert watch.under_way[:5] == [2, 2, 3, 3, 3]
    assert watch.seen[0] == ((keys[0],), 0, None)
    assert len(watch.seen) == 4


def test_a_pack_whose_worker_is_lost_goes_to_another_and_is_given_up_in_the_end_by_what_is_unfinished(
    tmp_path, monkeypatch
):
    wanted = wanted_of(small_sweep(tmp_path, seeds="0-1", decays="[1]"))
    new_run(tmp_path, seed=1, config=wanted[1].config).update(status="finished")
    tasks, watch = train(tmp_path, wanted, lambda tasks: [f"worker {len(tasks)}"], monkeypatch, together=2)
    assert tasks == [(wanted[0].key, f"worker {number}") for number in range(RETRIES + 1)]
    keys = tuple(each.key for each in wanted)
    assert watch.seen == [(keys, 1, "tried 3 times, at last: the scheduler has lost its worker")]


def test_a_worker_that_cannot_train_does_not_fail_one_pack_after_another(tmp_path, monkeypatch):
    wanted = wanted_of(small_sweep(tmp_path, seeds="0-3", decays="[1]"))

    def happen(tasks):
        for future, _, address in tasks:
            future.status = "finished" if address == "good" else "error"
            future.error = UsageError("--device: expected a GPU")
        return ["good", "bad"]

    tasks, watch = train(tmp_path, wanted, happen, monkeypatch)
    assert [address for _, address in tasks].count("bad") == 1
    assert Counter(watch.seen) == Counter(((each.key,), 0, None) for each in wanted)
    tasks, watch = train(tmp_path, wanted, lambda tasks: happen(tasks)[1:], monkeypatch)
    assert len(tasks) == len(wanted) * (RETRIES + 1)
    assert {error for *_, error in watch.seen} == {"tried 3 times, at last: --device: expected a GPU"}


def test_an_outcome_that_was_lost_with_its_worker_is_not_waited_for(tmp_path, monkeypatch):
    wanted = wanted_of(small_sweep(tmp_path, seeds="0", decays="[1]"))
    looks = itertools.count()

    def happen(tasks):
        for future, *_ in tasks:
            future.status, future.lost = "finished", len(tasks) == 1
        return ["a"] if next(looks) < 2 else ["b"]

    tasks, watch = train(tmp_path, wanted, happen, monkeypatch)
    assert tasks == [(wanted[0].key, "a"), (wanted[0].key, "b")]
    assert watch.seen == [((wanted[0].key,), 0, None)]


def test_without_dask_the_mend_is_named(tmp_path, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    assert sweep(small_sweep(tmp_path), tmp_path / "runs", "tcp://127.0.0.1:8786") == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("grok: --scheduler: expected dask.distributed, which is not installed: pip install 'dask[")
