"""On a dask cluster each run is trained once, also where a worker is killed amid one."""

import logging
import os
import signal
import sys
import threading
import time

import pandas as pd
import pytest

from grok.cli import main
from grok.sweep.packs import existing_runs
from grok.tracking import Store
from tests.experiments.helpers import start
from tests.sweep.helpers import small_sweep, wanted_of

pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::DeprecationWarning:distributed")


@pytest.fixture(scope="module")
def cluster():
    distributed = pytest.importorskip("distributed")
    with distributed.LocalCluster(
        n_workers=2,
        threads_per_worker=1,
        processes=True,
        host="127.0.0.1",
        dashboard_address=None,
        silence_logs=logging.CRITICAL,
    ) as cluster:
        yield cluster.scheduler_address


def sweep(path, root, address):
    return main(["sweep", str(path), "--runs", str(root), "--scheduler", address, "--wandb", "disabled"])


def kill_a_holder(root, killed):
    """Kill the first process that is seen training a run beyond the first."""
    while not killed:
        for run in Store(root).runs()[1:]:
            if holder := run.lock_holder():
                os.kill(holder, signal.SIGKILL)
                killed.append(holder)
                return
        time.sleep(0.02)


def test_every_run_is_there_once_although_a_worker_is_killed(tmp_path, cluster):
    path, root = small_sweep(tmp_path, seeds="0-1"), tmp_path / "runs"
    killed: list[int] = []
    killer = threading.Thread(target=kill_a_holder, args=(root, killed), daemon=True)
    killer.start()
    assert sweep(path, root, cluster) == 0
    killer.join()
    wanted = wanted_of(path)
    runs = existing_runs(Store(root), "grokking")
    assert [run.manifest()["status"] for run in Store(root).runs()] == ["finished"] * 6
    assert set(runs) == {each.key for each in wanted}
    for each in wanted:
        if each.seed == 0:
            alone, _ = start(tmp_path / "alone", each.config)
            pd.testing.assert_frame_equal(runs[each.key].metrics(), alone.metrics(), check_exact=True)


def test_ctrl_c_lets_the_workers_save(tmp_path, cluster, capsys):
    path, root = small_sweep(tmp_path, steps=1_000_000, seeds="0", decays="[1]"), tmp_path / "runs"

    def press_ctrl_c():
        while not any(run.lock_holder() for run in Store(root).runs()):
            time.sleep(0.05)
        os.kill(os.getpid(), signal.SIGINT)

    presser = threading.Thread(target=press_ctrl_c, daemon=True)
    presser.start()
    assert sweep(path, root, cluster) == 130
    presser.join()
    assert [run.manifest()["status"] for run in Store(root).runs()] == ["interrupted"]
    assert capsys.readouterr().err.endswith("Interrupted; all is saved. The same command goes on.\n")


def test_a_store_that_the_workers_do_not_see_is_refused_before_anything_starts(tmp_path, cluster, capsys):
    path = small_sweep(tmp_path)
    (tmp_path / "runs").write_text("a file")
    assert sweep(path, tmp_path / "runs", cluster) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line == f"grok: cannot make {tmp_path}/runs (File exists): choose another --runs"


def test_without_dask_the_mend_is_named(tmp_path, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    assert sweep(small_sweep(tmp_path), tmp_path / "runs", "tcp://127.0.0.1:8786") == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("grok: --scheduler: expected dask.distributed, which is not installed: pip install 'dask[")
