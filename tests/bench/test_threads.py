"""Cores are kept busy by processes that always end, and training is timed beside them in processes of its own."""

import json
import os
import subprocess
import sys
from importlib import import_module
from types import SimpleNamespace

import pytest
import torch

from grok.bench.threads import busy, measure, threads
from grok.experiments import threads as chosen
from grok.training.threads import Timings
from tests.helpers import CPU, wait_until

section = import_module("grok.bench.threads")  # since the package also names the function so
CORES = sorted(os.sched_getaffinity(0))[:2] if hasattr(os, "sched_getaffinity") else [0]


@pytest.fixture
def started(monkeypatch):
    """The processes that the section starts."""
    processes = []

    class Popen(subprocess.Popen):
        def __init__(self, *arguments, **how):
            super().__init__(*arguments, **how)
            processes.append(self)

    monkeypatch.setattr(section, "subprocess", SimpleNamespace(Popen=Popen))
    return processes


@pytest.mark.parametrize("error", [None, KeyboardInterrupt])
def test_busy_processes_end_with_the_context_also_by_an_interrupt(started, error):
    try:
        with busy(CORES):
            assert [process.poll() for process in started] == [None] * len(CORES)
            if error:
                raise error
    except KeyboardInterrupt:
        pass
    assert [process.returncode for process in started] == [-9] * len(CORES)


def test_a_busy_process_ends_with_the_process_that_started_it():
    code = "import os, subprocess, sys; from grok.bench.threads import SPIN\n"
    code += (
        "print(subprocess.Popen([sys.executable, '-c', SPIN, '0', str(os.getpid())], stdout=subprocess.DEVNULL).pid)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    def gone():
        try:
            os.kill(int(done.stdout), 0)
        except ProcessLookupError:
            return True
        return False

    wait_until(gone)


def test_every_number_that_could_be_chosen_is_measured(monkeypatch):
    before = torch.get_num_threads()
    for module in (section, chosen):
        monkeypatch.setattr(module, "most_threads", lambda: 2)
    monkeypatch.setattr(chosen, "time_steps", lambda counts, take, *, steps_left: Timings({1: 0.02, 2: 0.01}))
    try:
        measured = json.loads(measure("small", 0.01, choose=True))
        own = json.loads(measure("small", 0.01, choose=False))
    finally:
        torch.set_num_threads(before)
    assert (measured["threads"], list(measured["rates"])) == (2, ["1", "2"])
    assert min(measured["rates"].values()) > 0
    assert len(own["rates"]) == 1


def test_a_row_compares_torchs_threads_with_the_chosen_and_the_best(monkeypatch):
    commands = []

    def run(command, *, env, **how):
        choose = command[-1].endswith("choose=True))")
        commands.append((choose, "measure('small', 0.5, " in command[-1], env.get("GOMP_SPINCOUNT")))
        chosen, own = {"threads": 1, "rates": {"1": 50.0, "2": 60.0}}, {"threads": 2, "rates": {"2": 10.0}}
        return SimpleNamespace(stdout=json.dumps(chosen if choose else own))

    monkeypatch.delenv("OMP_WAIT_POLICY", raising=False)
    monkeypatch.setenv("GOMP_SPINCOUNT", "1000")
    monkeypatch.setattr(section, "busy", lambda cores: busy([]))
    monkeypatch.setattr(section, "subprocess", SimpleNamespace(run=run))
    rows = threads(CPU, lambda _: None, presets=["small"], seconds=0.5).rows
    assert [row["cores kept busy"] for row in rows] == sorted({0, 1, len(os.sched_getaffinity(0))})
    assert commands[:2] == [(False, True, None), (True, True, "1000")]
    assert {name: str(value) for name, value in rows[0].items()} == {
        "preset": "small",
        "cores kept busy": "0",
        "torch's own threads": "10 steps/s",
        "threads chosen": "1",
        "with them": "50 steps/s",
        "fastest / chosen": "1.20",
    }
