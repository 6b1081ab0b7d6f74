"""A part ends within its budget, whatever it does, and its processes with it."""

import os
import time
from pathlib import Path

import pytest

from grok.gpu.journal import DONE, FAILED, LEFT_OUT, OUT_OF_TIME, Journal
from grok.gpu.sizes import SMALL
from grok.gpu.supervise import last_said, run_part
from tests.gpu import faults
from tests.helpers import wait_until


@pytest.fixture
def run(tmp_path):
    def run(function, budget=60.0, show=lambda seconds, said: None):
        task = {
            "part": "it",
            "function": f"tests.gpu.faults:{function.__name__}",
            "device": "cpu",
            "sizes": SMALL.json(),
            "out": str(tmp_path),
            "data": str(tmp_path),
            "journal": str(tmp_path / "results.jsonl"),
        }
        return run_part(task, log=tmp_path / "it.log", budget=budget, show=show)

    return run


def rows(tmp_path):
    return [line["plain"] for line in Journal(tmp_path / "results.jsonl").lines()]


def test_a_part_that_is_done_has_its_result_in_words(run, tmp_path):
    ended = run(faults.fine)
    assert (ended.state, ended.message) == (DONE, "two numbers")
    assert 0 < ended.seconds < 60
    assert rows(tmp_path) == [{"n": 1}, {"n": 2}]


def test_a_fault_is_reported_in_one_line_with_the_traceback_in_the_log(run, tmp_path):
    ended = run(faults.raises)
    assert (ended.state, ended.message) == (FAILED, "ValueError: the first line")
    assert "Traceback" in (tmp_path / "it.log").read_text()
    assert rows(tmp_path) == [{"n": 3}]


def test_a_crash_is_reported_by_its_signal_and_its_place(run, tmp_path):
    ended = run(faults.dies)
    assert (ended.state, ended.message) == (FAILED, "ended by SIGSEGV at: about to die")
    assert "Segmentation fault" in (tmp_path / "it.log").read_text()


def test_what_is_missing_is_left_out(run):
    ended = run(faults.left_out)
    assert (ended.state, ended.message) == (LEFT_OUT, "it needs a thing: put it there")


def test_a_part_is_asked_to_end_before_it_is_killed(run, tmp_path):
    seen = []
    ended = run(faults.ends_when_asked, 2.0, lambda seconds, said: seen.append(seconds))
    assert (ended.state, ended.message) == (DONE, "ended when asked")
    assert rows(tmp_path) == [{"n": 5}]
    assert seen == sorted(seen)
    assert max(seen) < 2


def test_a_part_that_hangs_is_killed_and_the_log_says_where(run, tmp_path):
    began = time.monotonic()
    ended = run(faults.hangs, 2.0)
    assert (ended.state, ended.message) == (OUT_OF_TIME, "killed after 2 s at: in a place that never ends")
    assert 2 <= time.monotonic() - began < 30
    assert "in hangs" in (tmp_path / "it.log").read_text()
    assert rows(tmp_path) == [{"n": 4}]


def test_no_process_of_a_part_outlives_it(run, tmp_path):
    assert run(faults.leaves_a_process).state == DONE
    pid = int((tmp_path / "pid").read_text())
    wait_until(lambda: not _alive(pid))


def _alive(pid):
    """Whether it runs: one that has ended and whose parent has not asked for it is a zombie."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    status = Path(f"/proc/{pid}/stat")
    return not status.exists() or status.read_text().rpartition(")")[2].split()[0] != "Z"


def test_only_what_a_part_said_is_shown(tmp_path):
    log = tmp_path / "log"
    log.write_text("x" * 10_000 + "\ngrok: first\na warning\ngrok: second\nanother warning\n")
    assert last_said(log) == "second"
    log.write_text("a warning\n")
    assert last_said(log) == ""
