"""Each run is made once, as the flags say, and a disk that fails loses nothing that was saved."""

import errno
import os
import resource
from contextlib import contextmanager

import pytest

from grok.cli import main
from grok.config import config_to_json
from grok.experiments import driving
from grok.tracking import Store
from grok.tracking import files as tracking_files
from tests.cli.helpers import error_line, train, tree
from tests.helpers import small_config


def test_train_without_an_experiment_lists_them(capsys):
    assert main(["train"]) == 2
    assert "    grokking         a small transformer on modular addition" in capsys.readouterr().out


def test_flags_make_the_config_that_they_name(runs):
    assert train(runs, steps=0) == 0
    (run,) = Store(runs).runs()
    expected = config_to_json(small_config(steps=0))
    expected["task"]["rounding"] = "down"  # the rule of the preset that the flags change
    assert run.manifest()["config"] == expected


def test_rule_and_loss_are_flags(runs):
    rule = ("--config.optimiser.rule", "sgd", "--config.optimiser.momentum", "0.5")
    held = ("--config.optimiser.fixed-norm", "--config.optimiser.grokfast", "2", "--config.loss", "stablemax")
    assert train(runs, *rule, *held) == 0
    (run,) = Store(runs).runs()
    config = run.manifest()["config"]
    assert [config["optimiser"][name] for name in ("rule", "momentum", "fixed_norm", "grokfast")] == [
        "sgd",
        0.5,
        True,
        2.0,
    ]
    assert config["loss"] == "stablemax"
    weight_norms = run.metrics()["weight_norm"].dropna()
    assert weight_norms.iloc[0] == pytest.approx(weight_norms.iloc[-1], rel=1e-6)


def test_the_same_config_and_seed_again_changes_nothing_and_says_so(runs, capsys):
    assert train(runs) == 0
    (run,) = Store(runs).runs()
    before = tree(runs)
    capsys.readouterr()
    assert train(runs) == 0
    shown = capsys.readouterr().out
    assert shown.startswith("A finished run has this config and seed; --again makes a new one beside it.\n\nrun ")
    assert str(run.path) in shown
    assert main(["resume", str(run.path)]) == 0
    assert capsys.readouterr().out.startswith(f"This run is finished.\n\nrun      {run.path}\n")
    assert tree(runs) == before


def test_again_makes_a_second_run_with_the_same_record(runs):
    assert train(runs) == train(runs, "--again") == 0
    first, second = Store(runs).runs()
    assert second.id == f"{first.id}-2"
    assert first.metrics_path.read_bytes() == second.metrics_path.read_bytes()


def test_a_store_that_cannot_be_written_is_one_line(tmp_path, capsys):
    runs = tmp_path / "runs"
    runs.write_text("a file, so that no folder can be made, by root neither")
    assert train(runs) == 1
    assert error_line(capsys) == (
        f"grok: cannot make a run in {runs}/grokking (Not a directory): choose another --runs, or mend its permissions"
    )


class FullDisk:
    """Lets a given number of files be written to disk, and then fails."""

    def __init__(self, monkeypatch, room):
        self.room = room
        monkeypatch.setattr(tracking_files.os, "fsync", self.fsync)

    def fsync(self, descriptor):
        if os.path.isdir(f"/proc/self/fd/{descriptor}"):
            return
        self.room -= 1
        if self.room < 0:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_a_disk_full_from_the_start_leaves_no_run(runs, capsys, monkeypatch):
    FullDisk(monkeypatch, room=0)
    assert train(runs) == 1
    assert error_line(capsys) == (
        f"grok: cannot make a run in {runs}/grokking (No space left on device): make room or choose another --runs"
    )
    assert [path.name for path in (runs / "grokking").iterdir()] == [".lock"]


def test_a_disk_that_fills_while_a_run_trains_leaves_what_was_saved_to_resume_from(runs, capsys, monkeypatch):
    monkeypatch.setattr(driving, "SAVE_INTERVAL", 0.0)
    monkeypatch.setattr(driving, "SAVE_SHARE", 1e9)
    with monkeypatch.context() as patch:
        # run.json twice to begin with, then record, checkpoint and run.json at step 50
        FullDisk(patch, room=2 + 3)
        assert train(runs, "--weights", "off", steps=120) == 1
    (run,) = Store(runs).runs()
    assert error_line(capsys) == (
        f"grok: cannot write {run.metrics_path} (No space left on device): what was saved before is intact; "
        f"make room or mend the permissions, then `grok resume {run.path}`"
    )
    assert run.metrics()["step"].tolist() == list(range(50))
    assert (run.manifest()["status"], run.manifest()["step"]) == ("interrupted", 50)
    assert main(["resume", str(run.path), "--wandb", "disabled"]) == 0
    assert run.metrics()["step"].tolist() == list(range(121))


@contextmanager
def largest_file(size):
    """Limit every file of this process to `size` bytes, so that writes fail in any library."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.parametrize("size", [5_000, 14_000], ids=["less than the record", "less than a checkpoint"])
def test_a_write_that_fails_halfway_says_how_to_go_on(runs, capsys, size):
    with largest_file(size):
        assert train(runs) == 1
    (run,) = Store(runs).runs()
    assert not list(run.path.rglob("*.tmp"))
    line = error_line(capsys)
    assert "File too large" in line
    assert line.endswith(
        f"what was saved before is intact; make room or mend the permissions, then `grok resume {run.path}`"
    )
    assert main(["resume", str(run.path), "--wandb", "disabled"]) == 0


IMAGES = ("--config.model.width", "4", "--wandb", "disabled", "--device", "cpu")


def test_an_experiment_on_images_begins_from_its_own_preset_and_needs_no_data(runs):
    assert main(["train", "supervised", *IMAGES, "--steps", "2", "--runs", str(runs)]) == 0
    (run,) = Store(runs).runs()
    assert run.manifest()["config"]["task"]["dataset"] == "mnist1d"
    assert run.metrics()["step"].tolist() == [0, 1, 2]


def test_few_labels_with_a_term_are_flags_and_their_help_is_shown(runs, capsys):
    with pytest.raises(SystemExit) as stop:
        main(["train", "semi-supervised", "--help"])
    assert not stop.value.code
    shown = " ".join(capsys.readouterr().out.split())
    for setting in ("--config.method {freematch,fixmatch,supervised}", "--config.information.term", "cosine-7/16"):
        assert setting in shown
    flags = ("--config.method", "fixmatch", "--config.information.term", "hdr", "--config.information.weight", "-0.1")
    assert main(["train", "semi-supervised", *IMAGES, *flags, "--steps", "2", "--runs", str(runs)]) == 0
    (run,) = Store(runs).runs()
    config = run.manifest()["config"]
    assert (config["method"], config["information"]) == ("fixmatch", {"term": "hdr", "weight": -0.1})
    assert run.metrics()["information/term"].notna().tolist() == [False, True, True]


def test_a_data_set_that_is_not_there_is_bad_usage_and_leaves_nothing(runs, tmp_path, capsys):
    arguments = ["--preset", "paper", "--data", str(tmp_path / "none"), "--wandb", "disabled", "--runs", str(runs)]
    assert main(["train", "supervised", *arguments]) == 2
    assert error_line(capsys).endswith("there, or add --download)")
    assert not list(runs.rglob("run.json"))


def test_where_the_data_lie_is_kept_for_resuming(runs, tmp_path, monkeypatch):
    arguments = ["--steps", "2", "--data", str(tmp_path / "data"), "--runs", str(runs)]
    assert main(["train", "supervised", *IMAGES, *arguments]) == 0
    (run,) = Store(runs).runs()
    assert run.manifest()["data"] == str(tmp_path / "data")
