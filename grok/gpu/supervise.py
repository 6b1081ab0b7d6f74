"""Runs one part in a process of its own, and ends it when its budget is used up."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from grok.gpu import child
from grok.gpu.budget import grace_of
from grok.gpu.job import ROOT
from grok.gpu.journal import DONE, FAILED, LEFT_OUT, OUT_OF_TIME

STATES = {child.DONE: DONE, child.OUT_OF_TIME: OUT_OF_TIME, child.LEFT_OUT: LEFT_OUT}
LOOK = 0.1  # seconds between looks at the process
TAIL = 8192  # bytes at the end of the log in which the last line is looked for


@dataclass(frozen=True)
class Ended:
    """How a part ended."""

    state: str
    message: str
    seconds: float


def run_part(task: Mapping[str, Any], *, log: Path, budget: float, show: Callable[[float, str], None]) -> Ended:
    """Run the part that `task` describes to `child.py`, and return how it ended.

    It is asked to stop shortly before its budget is used up, and killed at its end, with all processes that it started.
    Its output goes to `log`. `show` is called now and then with the seconds so far and the last line that it said.

    Raises:
        KeyboardInterrupt: after Ctrl-C, once the part has stopped.
    """
    started = time.monotonic()
    grace = grace_of(budget)
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-X", "faulthandler", "-m", "grok.gpu.child"],
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=output,
            env=os.environ | {"PYTHONPATH": os.pathsep.join([str(ROOT), *_python_path()])},
            start_new_session=True,
        )
    assert process.stdin
    asked = False
    try:
        with contextlib.suppress(BrokenPipeError):  # a process that has ended at once is reported below
            process.stdin.write(f"{json.dumps(task)}\n".encode())
            process.stdin.flush()
        while process.poll() is None and (seconds := time.monotonic() - started) < budget:
            show(seconds, last_said(log))
            if seconds > budget - grace and not asked:
                asked = True
                process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(LOOK)
    except KeyboardInterrupt:
        process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(grace)
        raise
    finally:
        if hung := process.poll() is None:
            process.send_signal(signal.SIGABRT)  # faulthandler writes into the log where it is
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(LOOK)
        _kill_with_all_that_it_started(process)
        status = process.wait()
        with contextlib.suppress(BrokenPipeError):
            process.stdin.close()
    state, message = _verdict(status, last_said(log), hung=hung, asked=asked, budget=budget)
    return Ended(state, message, time.monotonic() - started)


def _verdict(status: int, said: str, *, hung: bool, asked: bool, budget: float) -> tuple[str, str]:
    at = f" at: {said}" if said else ""
    if hung:
        return OUT_OF_TIME, f"killed after {budget:.0f} s{at}"
    if status in STATES:
        return STATES[status], said
    if status < 0:
        if asked and status == -signal.SIGTERM:  # it was still starting
            return OUT_OF_TIME, f"stopped after {budget:.0f} s{at}"
        return FAILED, f"ended by {signal.Signals(-status).name}{at}"
    return FAILED, said or f"exit status {status}"


def last_said(log: Path) -> str:
    """Return the last line of a log that `child.say` wrote, or an empty text."""
    with log.open("rb") as file:
        file.seek(max(0, file.seek(0, os.SEEK_END) - TAIL))
        lines = file.read().decode(errors="replace").splitlines()
    said = [line.removeprefix(child.PREFIX) for line in lines if line.startswith(child.PREFIX)]
    return said[-1] if said else ""


def _kill_with_all_that_it_started(process: "subprocess.Popen[bytes]") -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)


def _python_path() -> list[str]:
    return [folder for folder in (os.environ.get("PYTHONPATH"),) if folder]
