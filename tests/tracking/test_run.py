"""A run knows its settings and its status, and a damaged run.json is reported and left untouched."""

import json

import pytest

from grok.config import config_hash
from grok.tracking import StoreError
from tests.helpers import new_run, small_config

HASH = config_hash(small_config())


def test_a_manifest_holds_what_the_run_was_made_with(tmp_path):
    manifest = new_run(tmp_path, seed=7).manifest()
    assert manifest["config"]["task"] == {
        "operation": "add",
        "modulus": 11,
        "train_fraction": 0.5,
        "rounding": "nearest",
    }
    assert manifest["command"] == ["grok", "train", "grokking"]
    expected = {
        "format": 1,
        "experiment": "grokking",
        "config_hash": HASH,
        "seed": 7,
        "step": 0,
        "device": "cpu",
    }
    assert manifest | expected == manifest


def test_a_run_whose_process_is_gone_is_interrupted(tmp_path):
    run = new_run(tmp_path)
    with run.lock():
        run.update(status="running", step=40)
    assert json.loads((run.path / "run.json").read_text())["status"] == "running"
    assert run.manifest()["status"] == "interrupted"
    run.update(status="finished")
    assert run.manifest()["status"] == "finished"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ('{"format": 1, "exper', r"run\.json cannot be read \(.*\): restore it, or move the folder away"),
        ('{"format": 99}', r"run\.json: expected a run of format 1, got one of another version of grok"),
        ("[]", r"run\.json: expected a run of format 1"),
    ],
    ids=["truncated", "other version", "no manifest"],
)
def test_a_damaged_manifest_is_named_with_its_mend_and_left_alone(tmp_path, content, message):
    run = new_run(tmp_path)
    path = run.path / "run.json"
    path.write_text(content)
    with pytest.raises(StoreError, match=message):
        run.manifest()
    with pytest.raises(StoreError, match=message):
        run.update(status="finished")
    assert path.read_text() == content
