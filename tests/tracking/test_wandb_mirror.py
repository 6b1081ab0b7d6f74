"""The wandb mirror is thinned, writes nowhere else in offline mode, and never asks a question."""

import re
import subprocess
import sys

import pytest

from grok.config import Schedule
from grok.tracking.wandb_mirror import WandbError, WandbMirror, mirror_spacing
from tests.helpers import wait_until


@pytest.mark.parametrize("steps", [100_000, 10_000_000])
def test_at_most_two_thousand_rows_are_mirrored(steps):
    mirrored, step = 0, 0
    while step <= steps:  # spacings divide the steps where they begin, so this visits exactly the mirrored ones
        assert step % mirror_spacing(step) == 0
        mirrored += 1
        step += mirror_spacing(step + 1)
        step -= step % mirror_spacing(step)
    assert 500 < mirrored <= 2_000


def test_beyond_the_first_steps_only_rows_with_every_probe_are_mirrored():
    mirrored = [step for step in range(201, 20_000) if step % mirror_spacing(step) == 0]
    assert all(step % 10 == 0 for step in mirrored)


@pytest.fixture
def empty_home(tmp_path, monkeypatch):
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.chdir(home)
    for name in ("WANDB_API_KEY", "WANDB_MODE", "WANDB_DIR", "WANDB_CACHE_DIR", "NETRC"):
        monkeypatch.delenv(name, raising=False)
    return home


def written(mirror):
    (file,) = mirror.path.glob("*.wandb")
    return file.read_bytes().decode(errors="replace")  # values are text in it


def wait_until_written(mirror, value):
    """The process of wandb writes a moment after the mirror has finished."""
    wait_until(lambda: value in written(mirror))


def test_an_offline_run_holds_the_rows_and_writes_nowhere_else(tmp_path, empty_home):
    folder = tmp_path / "run"
    folder.mkdir()
    mirror = WandbMirror(folder, mode="offline", project="grok-test", group="run-1", config={"task": {"modulus": 113}})
    for step in (0, 1, 1_000, 1_001, 1_010):
        mirror.log(step, {"test/accuracy": step / 2_000})
    mirror.finish({"last": 7})
    wait_until_written(mirror, "0.505")
    command = [sys.executable, "-m", "wandb", "leet", "inspect", str(mirror.path)]
    shown = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert len(re.findall("test/accuracy", shown)) >= 4
    assert "0.505" in shown  # step 1,010
    assert "0.5005" not in shown  # step 1,001 is thinned out
    assert mirror.path.is_relative_to(folder)
    assert list(empty_home.iterdir()) == []


def test_the_mirrors_of_a_stack_run_side_by_side(tmp_path, empty_home):
    folders = [tmp_path / name for name in ("first", "second")]
    for folder in folders:
        folder.mkdir()
    mirrors = [
        WandbMirror(folder, mode="offline", project="grok-test", group=folder.name, config={}) for folder in folders
    ]
    for step in range(2):
        for mirror, value in zip(mirrors, (0.125, 0.875), strict=True):
            mirror.log(step, {"test/accuracy": value})
    for mirror, folder, value in zip(mirrors, folders, ("0.125", "0.875"), strict=True):
        mirror.finish({})
        assert mirror.path.is_relative_to(folder)
        wait_until_written(mirror, value)
        assert [number in written(mirror) for number in ("0.125", "0.875")] == [value == "0.125", value == "0.875"]


def test_a_mirrored_row_holds_what_was_measured_since_the_last_one(tmp_path, empty_home, monkeypatch):
    mirror = WandbMirror(tmp_path, mode="offline", project="grok-test", group="run-1", config={})
    rows = []
    with monkeypatch.context() as patch:
        patch.setattr(mirror._run, "log", rows.append)
        for step, metrics in ((1_003, {"a": 1.0, "b": 1.0}), (1_007, {"a": 2.0}), (1_010, {"c": 3.0}), (1_020, {})):
            mirror.log(step, metrics)
    mirror.finish({})
    assert rows == [{"step": 1_003, "a": 1.0, "b": 1.0}, {"step": 1_010, "a": 2.0, "c": 3.0}, {"step": 1_020}]


@pytest.mark.parametrize("stopped", [None, 1, 777, 5_000])
def test_each_row_of_a_log_spaced_record_is_mirrored_once_it_is_far_enough_from_the_last(
    tmp_path, empty_home, monkeypatch, stopped
):
    schedule = Schedule.parse("log:100")
    due = [step for step in range(20_000) if schedule.is_due(step)]
    rows = []
    for first, last in ((0, stopped or 20_000), (stopped or 20_000, 20_000)):
        folder = tmp_path / str(first)
        folder.mkdir()
        mirror = WandbMirror(folder, mode="offline", project="grok-test", group="run-1", config={}, first_step=first)
        with monkeypatch.context() as patch:
            patch.setattr(mirror._run, "log", rows.append)
            for step in due:
                if first <= step < last:
                    mirror.log(step, {"a": 1.0})
        mirror.finish({})
    assert len(set(due) - {row["step"] for row in rows}) <= len(due) // 10
    assert [row["step"] for row in rows if row["step"] <= 200] == [step for step in due if step <= 200]


def test_a_wandb_that_fails_is_given_up_with_one_line(tmp_path, empty_home, monkeypatch, capsys):
    mirror = WandbMirror(tmp_path, mode="offline", project="grok-test", group="run-1", config={})

    def fail(row):
        raise RuntimeError("service gone")

    with monkeypatch.context() as patch:
        patch.setattr(mirror._run, "log", fail)
        for step in (0, 1, 2):
            mirror.log(step, {"a": 1.0})
    mirror.finish({})
    assert capsys.readouterr().err == "grok: the wandb mirror ends at step 0 (service gone); the record goes on\n"


def test_a_wandb_that_fails_at_the_end_fails_no_training(tmp_path, empty_home, monkeypatch, capsys):
    mirror = WandbMirror(tmp_path, mode="offline", project="grok-test", group="run-1", config={})

    def fail(exit_code):
        raise RuntimeError("service gone")

    with monkeypatch.context() as patch:
        patch.setattr(mirror._run, "finish", fail)
        mirror.finish({})
    assert "the wandb mirror ends before its summary (service gone)" in capsys.readouterr().err
    mirror.finish({})


def test_online_without_a_key_is_an_error_with_the_mend(tmp_path, empty_home):
    with pytest.raises(WandbError, match="wandb has no API key: `wandb login` first, or use --wandb offline"):
        WandbMirror(tmp_path, mode="online", project="grok-test", group="run-1", config={})


def test_a_missing_wandb_is_an_error_with_the_mend(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "wandb", None)
    with pytest.raises(WandbError, match="pip install wandb"):
        WandbMirror(tmp_path, mode="offline", project="grok-test", group="run-1", config={})


def test_importing_the_mirror_imports_no_wandb():
    code = "import grok.tracking.wandb_mirror, sys; sys.exit('wandb' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
