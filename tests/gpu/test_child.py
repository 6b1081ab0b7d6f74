"""The process of a part writes down every row at once, and ends in one line."""

import io
import json
import signal

import pytest

from grok.gpu import child
from grok.gpu.journal import Journal
from grok.gpu.sizes import SMALL
from tests.gpu import faults


@pytest.fixture
def run(tmp_path, monkeypatch):
    """Run the part of a function in this process, as `python -m grok.gpu.child` would."""

    def run(function):
        task = {
            "part": "it",
            "function": f"tests.gpu.faults:{function.__name__}",
            "device": "cpu",
            "sizes": SMALL.json(),
            "out": str(tmp_path),
            "data": str(tmp_path),
            "journal": str(tmp_path / "results.jsonl"),
        }
        monkeypatch.setattr(child.sys, "stdin", io.StringIO(json.dumps(task) + "\n"))
        monkeypatch.setattr(child, "_end_with_the_parent", lambda: None)
        handlers = {each: signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM)}
        try:
            return child.main()
        finally:
            for each, handler in handlers.items():
                signal.signal(each, handler)

    return run


def rows(tmp_path):
    return [line["plain"] for line in Journal(tmp_path / "results.jsonl").lines()]


def said(capsys):
    return [line for line in capsys.readouterr().err.splitlines() if line.startswith("grok: ")]


def test_a_part_writes_its_rows_and_says_its_result(run, tmp_path, capsys):
    assert run(faults.fine) == child.DONE
    assert rows(tmp_path) == [{"n": 1}, {"n": 2}]
    assert said(capsys) == ["grok: half way", "grok: two numbers"]


def test_a_part_that_raises_keeps_what_it_has_measured_and_says_the_first_line(run, tmp_path, capsys):
    assert run(faults.raises) == child.FAILED
    assert rows(tmp_path) == [{"n": 3}]
    assert said(capsys) == ["grok: ValueError: the first line"]


def test_a_part_that_needs_something_says_what(run, capsys):
    assert run(faults.left_out) == child.LEFT_OUT
    assert said(capsys) == ["grok: it needs a thing: put it there"]
