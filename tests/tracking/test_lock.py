"""A run has one process that trains it."""

import os
import subprocess
import sys
from pathlib import Path

from tests.helpers import new_run


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
