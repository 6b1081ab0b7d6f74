"""A run has one process that trains it."""

import errno
import fcntl
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from grok.tracking import Store, StoreError
from tests.helpers import FAIL_SAFE, new_run


def test_a_locked_run_is_running_and_keeps_a_second_process_out(tmp_path):
    run = new_run(tmp_path)
    code = "import sys, pathlib, grok.tracking as t\nwith t.Run(pathlib.Path(sys.argv[1])).lock(): pass"
    command = [sys.executable, "-c", code, str(run.path)]
    with run.lock():
        assert run.manifest()["status"] == "running"
        refused = subprocess.run(command, cwd=Path(__file__).parents[2], capture_output=True, text=True, check=False)
    assert refused.returncode == 1
    assert f"run {run.id} is in use by process {os.getpid()}: wait for it, stop it, or" in refused.stderr
    with run.lock():  # which has been let go of
        pass


def test_who_looks_for_a_run_to_train_waits_for_another_that_does_until_it_is_done_or_killed(tmp_path):
    code = (
        "import sys, pathlib, grok.tracking as t\n"
        "with t.Store(pathlib.Path(sys.argv[1])).lock('grokking'): print('held', flush=True); sys.stdin.read()"
    )
    other = subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path)],
        cwd=Path(__file__).parents[2],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert other.stdout.readline() == "held\n"
    entered = threading.Event()

    def enter():
        with Store(tmp_path).lock("grokking"):
            entered.set()

    waiting = threading.Thread(target=enter)
    waiting.start()
    assert not entered.wait(0.1)
    other.kill()
    assert entered.wait(FAIL_SAFE)
    waiting.join()
    other.communicate()


def test_an_error_amid_training_is_none_of_the_lock(tmp_path):
    with pytest.raises(BlockingIOError, match="stderr would block"), new_run(tmp_path).lock():
        raise BlockingIOError("stderr would block")


def test_a_file_system_without_locks_is_read_and_refused_for_training(tmp_path, monkeypatch):
    run = new_run(tmp_path)
    with run.lock():
        pass

    def flock(descriptor, how):
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", flock)
    assert run.manifest()["status"] == "interrupted"
    with (
        pytest.raises(StoreError, match=r"cannot lock .*seed0 \(No locks available\): mend .* that has locks$"),
        run.lock(),
    ):
        pass
    with pytest.raises(StoreError, match=r"grokking \(No locks available\): choose another --runs"):
        Store(tmp_path).lock("grokking").__enter__()
