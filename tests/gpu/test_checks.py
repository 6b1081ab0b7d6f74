"""Tests of the device are counted with their first failure, and captured losses are held to a tolerance."""

import sys
import time
from pathlib import Path

import pytest
import torch

from grok.gpu import checks
from grok.gpu.job import FailedError, LeftOutError, OutOfTimeError
from tests.gpu.helpers import measure, tiny_job

ROOT = Path(__file__).parents[2]

XML = """<testsuites><testsuite name="pytest" errors="0" failures="{failures}" skipped="1" tests="4" time="2.5">
<testcase classname="tests.test_devices" name="test_fine" time="1.0" />
<testcase classname="tests.test_devices" name="test_wrong" time="1.0">{fault}</testcase>
</testsuite></testsuites>"""
FAULT = '<failure message="AssertionError: 1 is not 2&#10;and more">a long text</failure>'


@pytest.fixture
def pytest_writes(monkeypatch):
    """Let pytest write this report and end with this status, and keep what it was called with."""
    called = []

    def writes(text, status):
        def run(command, job):
            called.append(command)
            (written,) = [each.partition("=")[2] for each in command if each.startswith("--junitxml=")]
            if text is not None:
                Path(written).write_text(text)
            return status

        monkeypatch.setattr(checks, "run_until_stopped", run)
        return called

    return writes


def test_every_test_that_is_marked_is_run():
    marked = {
        str(path.relative_to(ROOT))
        for path in (ROOT / "tests").rglob("test_*.py")
        if "pytest.mark.gpu" in path.read_text() and path != Path(__file__)
    }
    assert marked == set(checks.WITH_GPU)


def test_passed_and_skipped_tests_are_counted(tmp_path, pytest_writes):
    called = pytest_writes(XML.format(failures=0, fault=""), 0)
    (table,), message = measure(checks.tests(tiny_job(tmp_path)))
    assert message == "3 passed, 1 skipped as they need a GPU"
    (row,) = table.rows
    assert [row[name] for name in ("tests", "passed", "failed", "skipped")] == [4, 3, 0, 1]
    (command,) = called
    assert command[1:5] == ["-m", "pytest", "-m", "gpu"]
    assert command[-3:] == list(checks.WITH_GPU)


def test_the_first_failure_is_named(tmp_path, pytest_writes):
    pytest_writes(XML.format(failures=1, fault=FAULT), 1)
    measuring = checks.tests(tiny_job(tmp_path))
    (row,) = next(measuring).rows
    assert (row["passed"], row["failed"]) == (2, 1)
    with pytest.raises(FailedError) as caught:
        next(measuring)
    assert str(caught.value) == (
        "1 of 4 tests failed; the first: tests.test_devices::test_wrong: AssertionError: 1 is not 2"
    )


def test_a_pytest_that_cannot_begin_is_a_failure(tmp_path, pytest_writes):
    pytest_writes(None, 4)
    with pytest.raises(FailedError, match=r"^pytest ended with status 4 before its first test: see tests\.log$"):
        measure(checks.tests(tiny_job(tmp_path)))


def test_a_command_that_is_too_slow_is_terminated(tmp_path):
    began = time.monotonic()
    command = [sys.executable, "-c", "import time; time.sleep(600)"]
    with pytest.raises(OutOfTimeError, match=r"^tests\.log names the tests that have passed$"):
        checks.run_until_stopped(command, tiny_job(tmp_path, stopped=lambda: time.monotonic() > began + 0.2))
    assert time.monotonic() < began + 60
    assert checks.run_until_stopped([sys.executable, "-c", "raise SystemExit(5)"], tiny_job(tmp_path)) == 5


def test_without_pytest_or_without_the_tests_they_are_left_out(tmp_path, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(checks, "PACKAGES", ("pytest", "no_such_package"))
        with pytest.raises(LeftOutError, match=r"^the tests need no_such_package: pip install no_such_package$"):
            measure(checks.tests(tiny_job(tmp_path)))
    monkeypatch.setattr(checks, "ROOT", tmp_path)
    with pytest.raises(LeftOutError, match=r"^there are no tests beside the package: run this in a checkout$"):
        measure(checks.tests(tiny_job(tmp_path)))


def test_two_executors_give_the_same_losses(tmp_path):
    tables, message = measure(checks.captured(tiny_job(tmp_path)))
    rows = [row for table in tables for row in table.rows]
    assert [row["network"] for row in rows] == [
        "the paper's, stack of 2",
        "two layers, LayerNorm, tied",
        "WideResNet-10-1",
    ]
    assert all(row["largest relative difference"].value == 0 for row in rows)
    assert message == "eager twice, as a CPU has no CUDA graphs"


@pytest.mark.parametrize("wrong", [1.001, float("nan")])
def test_losses_that_differ_fail_after_all_networks_were_compared(tmp_path, monkeypatch, wrong):
    factors = iter([1.0, wrong] * 3)
    measured = checks.losses
    monkeypatch.setattr(checks, "losses", lambda engine, steps: measured(engine, steps) * next(factors))
    measuring = checks.captured(tiny_job(tmp_path))
    differences = [next(measuring).rows[0]["largest relative difference"].value for _ in range(3)]
    assert differences == pytest.approx([wrong - 1] * 3, rel=1e-6, nan_ok=True)
    with pytest.raises(FailedError, match=r"^losses differ by more than the tolerance: the paper's, stack of 2: "):
        next(measuring)


def test_losses_are_those_of_every_step_and_member(tmp_path):
    from grok.config import ProbesConfig
    from grok.gpu.costs import engine, transformer
    from tests.gpu.helpers import TINY
    from tests.helpers import CPU

    config = transformer(TINY, ProbesConfig.only(accuracy="every:1"))
    stacked = checks.losses(engine(config, CPU, members=2), 5)
    alone = checks.losses(engine(config, CPU), 5)
    assert stacked.shape == (5, 2)
    torch.testing.assert_close(stacked[:, :1], alone, rtol=1e-5, atol=0)
    assert alone[0].item() == pytest.approx(torch.tensor(11.0).log().item(), rel=0.1)
