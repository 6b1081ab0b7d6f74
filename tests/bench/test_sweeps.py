"""A sweep is timed as a whole command, by each way of training its runs."""

import subprocess

import pytest

from grok.bench import measure, sweeps
from grok.bench.sweeps import RATE, WORKERS, sweep
from grok.cli import main
from tests.helpers import CPU


def test_each_way_is_timed_beside_one_run_after_another(monkeypatch):
    clock, commands = [0.0], []

    def run(command, **how):
        commands.append(command[3:])
        clock[0] += {"--workers": 12.0, "disabled": 6.0, "--stack": 8.0}[command[-2 if command[-1].isdigit() else -1]]

    monkeypatch.setattr(subprocess, "run", run)
    monkeypatch.setattr(measure.time, "perf_counter", lambda: clock[0])
    monkeypatch.setattr(sweeps, "processors", lambda: 4)
    alone, workers, stacks = sweep(CPU, lambda _: None, runs=3, steps=10).rows
    assert [row[RATE].value for row in (alone, workers, stacks)] == [1.0, 2.0, 1.5]
    assert (alone["workers"], workers["workers"]) == (1, 4)
    assert workers["trained by"] == WORKERS
    assert workers["steps a second"].value == 5.0
    assert len(commands) == 3
    stores = [command[command.index("--runs") + 1] for command in commands]
    assert len(set(stores)) == 3  # no way finds runs of another


def test_the_file_asks_for_the_runs(monkeypatch, capsys):
    def plan(command, **how):
        assert main([*command[3:], "--dry-run"]) == 0

    monkeypatch.setattr(subprocess, "run", plan)
    sweep(CPU, lambda _: None, runs=3, steps=10)
    new = [line.split()[3] for line in capsys.readouterr().out.splitlines() if line.startswith("bench")]
    assert new == ["3", "3", "3"]


def test_a_sweep_that_fails_is_an_error(monkeypatch):
    monkeypatch.setattr(sweeps, "SWEEP", "experiment = 'nothing of the kind'")
    with pytest.raises(subprocess.CalledProcessError):
        sweep(CPU, lambda _: None, runs=1, steps=1)
