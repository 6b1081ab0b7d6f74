"""A worker trains the packs that it receives, and saves and ends when it is told to or loses its connection."""

import multiprocessing
import os
import signal
import threading
from contextlib import contextmanager

import pytest
import torch

from grok.experiment import experiment
from grok.sweep.packs import Outcome, make_packs
from grok.sweep.worker import serve
from grok.tracking import Store
from tests.experiments.helpers import setup
from tests.helpers import new_run, wait_until
from tests.sweep.helpers import small_sweep, wanted_of

LONG = 1_000_000


def packs(tmp_path, steps):
    wanted = wanted_of(small_sweep(tmp_path, steps=steps, seeds="0-1", decays="[1]"))
    return make_packs(experiment("grokking"), wanted, {}, 1)


@contextmanager
def other_end(root, talk):
    """Serve in this thread, and talk from another."""
    before = signal.getsignal(signal.SIGTERM)
    ours, theirs = multiprocessing.Pipe()
    ours.send((setup(root), torch.get_num_threads()))
    thread = threading.Thread(target=talk, args=(ours,))
    thread.start()
    try:
        with theirs:
            yield theirs
    finally:
        thread.join()
        ours.close()
        signal.signal(signal.SIGTERM, before)


def await_training(root):
    wait_until(lambda: any(run.manifest()["status"] == "running" for run in Store(root).runs()))


def test_packs_are_trained_one_after_another(tmp_path):
    first, second = packs(tmp_path, 10)
    outcomes = []

    def talk(pipe):
        for pack in (first, second):
            pipe.send(pack)
            outcomes.append(pipe.recv())
        pipe.send(None)

    with other_end(tmp_path, talk) as pipe:
        serve(pipe)
    assert outcomes == [Outcome(ended=True)] * 2
    assert [run.manifest()["seed"] for run in Store(tmp_path).runs()] == [0, 1]


def tell(pipe, root):
    pipe.send(None)


def hang_up(pipe, root):
    pipe.close()


def terminate(pipe, root):
    os.kill(os.getpid(), signal.SIGTERM)


@pytest.mark.parametrize("end", [tell, hang_up, terminate])
def test_a_worker_that_is_to_end_saves_what_is_under_way(tmp_path, end):
    (pack, _) = packs(tmp_path, LONG)

    def talk(pipe):
        pipe.send(pack)
        await_training(tmp_path)
        end(pipe, tmp_path)

    with other_end(tmp_path, talk) as pipe:
        if end is hang_up:
            with pytest.raises(BrokenPipeError):
                serve(pipe)
        else:
            serve(pipe)
    (run,) = Store(tmp_path).runs()
    assert run.manifest()["status"] == "interrupted"
    assert run.manifest()["step"] < LONG


def test_after_an_error_a_worker_ends(tmp_path):
    (pack, _) = packs(tmp_path, 10)
    new_run(tmp_path, seed=0, config=pack.wanted[0][0]).update(status="interrupted", step=5)
    outcomes = []

    def talk(pipe):
        pipe.send(pack)
        outcomes.append(pipe.recv())

    with other_end(tmp_path, talk) as pipe:
        serve(pipe)
    assert "checkpoints is empty" in outcomes[0].error
