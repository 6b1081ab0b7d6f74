"""Processes are timed from start to end, and a process that fails raises an error."""

import subprocess

import pytest

from grok.bench import measure
from grok.bench.startup import COMMANDS, _process, startup
from grok.cli import main
from tests.helpers import CPU


def test_every_command_is_timed_from_its_start_to_its_end(monkeypatch):
    commands = []
    monkeypatch.setattr(subprocess, "run", lambda command, **how: commands.append(command[1:]))
    monkeypatch.setattr(measure.time, "perf_counter", lambda: float(2 ** len(commands)))
    rows = {row["process"]: row["time"].median for row in startup(CPU, lambda _: None, repeats=1).rows}
    assert commands == list(COMMANDS.values())
    assert rows == {name: 2.0**place for place, name in enumerate(COMMANDS)}


def test_every_command_works():
    for how, what, *arguments in COMMANDS.values():
        if how == "-c":
            exec(what, {})
        else:
            assert (how, what, main(arguments)) == ("-m", "grok", 0)


def test_a_process_that_fails_is_an_error():
    with pytest.raises(subprocess.CalledProcessError):
        _process(["-c", "raise SystemExit(3)"])()
