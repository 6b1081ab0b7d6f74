"""The store makes, names, lists and finds runs, and a run that cannot be made or read hides no other."""

import dataclasses
import errno
import functools
import json
import shutil

import pytest

from grok.config import GrokkingConfig, config_hash
from grok.tracking import Store, StoreError
from tests.helpers import new_run, small_config

HASH = config_hash(small_config())


def test_an_id_says_config_and_seed_and_a_second_run_of_them_is_numbered(tmp_path):
    ids = [new_run(tmp_path, seed=7).id for _ in range(3)]
    assert ids == [f"add-p11-{HASH}-seed7", f"add-p11-{HASH}-seed7-2", f"add-p11-{HASH}-seed7-3"]
    assert (tmp_path / "grokking" / ids[2] / "run.json").exists()


def test_find_gives_the_runs_of_one_config_and_seed_alone(tmp_path):
    first, _, _, second = (new_run(tmp_path, seed=seed) for seed in (1, 10, 2, 1))
    new_run(tmp_path, seed=1, config=small_config(steps=7))
    found = Store(tmp_path).find(experiment="grokking", config=small_config(), seed=1)
    assert [run.path for run in found] == [first.path, second.path]
    assert Store(tmp_path).find(experiment="supervised", config=small_config(), seed=1) == []


@dataclasses.dataclass(frozen=True, kw_only=True)
class ChangedConfig(GrokkingConfig):
    """The settings of a later version, in which a default is another one."""

    settle: int | None = 50


def test_a_run_of_a_default_that_has_changed_since_is_another_run_with_a_folder_of_its_own(tmp_path):
    before, after = GrokkingConfig(), ChangedConfig()
    assert config_hash(before) == config_hash(after)
    first, second = new_run(tmp_path, config=before), new_run(tmp_path, config=after)
    assert second.id == f"{first.id}-2"
    find = functools.partial(Store(tmp_path).find, experiment="grokking", seed=0)
    assert find(config=before) == find(config=ChangedConfig(settle=2_000)) == [first]
    assert find(config=after) == find(config=GrokkingConfig(settle=50)) == [second]


def test_a_record_that_lacks_a_setting_is_found_with_its_default(tmp_path):
    run = new_run(tmp_path)
    config = run.manifest()["config"]
    del config["loss"], config["optimiser"]["grokfast"]
    run.update(config=config)
    find = functools.partial(Store(tmp_path).find, experiment="grokking", seed=0)
    assert find(config=small_config()) == [run]
    assert find(config=dataclasses.replace(small_config(), loss="stablemax")) == []
    run.update(config=config | {"surprise": 1})  # another version's
    assert find(config=small_config()) == []


def test_runs_are_listed_in_the_order_in_which_they_were_made(tmp_path):
    early, late = new_run(tmp_path, seed=2), new_run(tmp_path, seed=1)
    early.update(created="2026-01-01T00:00:00+00:00")
    late.update(created="2026-01-01T00:00:01+00:00")
    assert [run.id for run in Store(tmp_path).runs()] == [early.id, late.id]


def test_a_run_opens_by_its_folder_its_id_or_a_part_that_only_it_has(tmp_path):
    run, again, other = new_run(tmp_path), new_run(tmp_path), new_run(tmp_path, seed=1)
    opened = Store(tmp_path).open
    assert opened(str(run.path)).path == run.path
    assert opened(run.id).path == run.path  # although the id is a part of again's id
    assert opened("seed0-2").path == again.path
    assert opened("seed1").path == other.path


def test_a_name_of_no_run_and_of_several_is_refused(tmp_path):
    run, again = new_run(tmp_path), new_run(tmp_path)
    with pytest.raises(StoreError, match=r"no run 'seed9' in .*: see `grok list`"):
        Store(tmp_path).open("seed9")
    with pytest.raises(StoreError, match=f"'p11' could be any of {run.name}, {again.name}: name one of them"):
        Store(tmp_path).open("p11")


def test_of_many_runs_that_a_name_could_be_a_few_are_named(tmp_path):
    runs = [new_run(tmp_path, seed=seed) for seed in range(7)]
    with pytest.raises(StoreError) as refused:
        Store(tmp_path).open("p11")
    names = ", ".join(run.name for run in runs[:5])
    assert str(refused.value) == f"'p11' could be any of {names} and 2 more (`grok list`): name one of them"


def test_runs_of_one_id_are_told_apart_by_their_experiment_as_the_refusal_names_them(tmp_path):
    run = new_run(tmp_path)
    other = run.path.parents[1] / "pruning" / run.id
    shutil.copytree(run.path, other)
    with pytest.raises(StoreError) as refused:
        Store(tmp_path).open(run.id)
    names = f"grokking/{run.id}, pruning/{run.id}"
    assert str(refused.value) == f"{run.id!r} could be any of {names}: name one of them"
    opened = [Store(tmp_path).open(name).path for name in names.split(", ")]
    assert opened == [run.path, other]
    assert Store(tmp_path).open("prun/seed0").path == Store(tmp_path).open("pruning").path == other
    with pytest.raises(StoreError, match="no run 'supervised/seed0'"):
        Store(tmp_path).open("supervised/seed0")


def test_a_run_that_cannot_be_made_leaves_no_folder(tmp_path, monkeypatch):
    def full(path, write):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("grok.tracking.run.write_atomically", full)
    with pytest.raises(StoreError, match=r"cannot make a run in .* \(No space left on device\): make room or choose"):
        new_run(tmp_path)
    assert list((tmp_path / "grokking").iterdir()) == []


def test_an_unreadable_run_is_named_and_hides_no_other(tmp_path, capsys):
    good, bad = new_run(tmp_path, seed=0), new_run(tmp_path, seed=1)
    (bad.path / "run.json").write_text("{")
    assert Store(tmp_path).runs() == [good]
    assert f"grok: left out: {bad.path}/run.json cannot be read" in capsys.readouterr().err
    assert Store(tmp_path).open("seed0") == good


def test_a_copy_that_a_kill_left_half_made_is_no_run(tmp_path):
    run = new_run(tmp_path)
    run.path.rename(run.path.with_name(f".{run.id}.tmp"))
    assert Store(tmp_path).runs() == []
    with pytest.raises(StoreError, match="no run 'seed0'"):
        Store(tmp_path).open("seed0")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("config", None),
        ("config", []),
        ("created", 3),
        ("seed", "0"),
        ("summary", None),
        ("status", None),
        ("id", None),
    ],
)
def test_a_run_whose_file_lacks_or_spoils_a_field_is_named_and_the_others_are_found(tmp_path, capsys, field, value):
    bad, good = new_run(tmp_path), new_run(tmp_path)
    manifest = json.loads((bad.path / "run.json").read_text()) | {field: value}
    (bad.path / "run.json").write_text(json.dumps(manifest))
    store = Store(tmp_path)
    assert store.find(experiment="grokking", config=small_config(), seed=0) == [good]
    assert list(store.manifests()) == [good]
    assert f"{bad.path / 'run.json'}: expected {field} as " in capsys.readouterr().err
