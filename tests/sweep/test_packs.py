"""The unfinished runs of a sweep are packed so that no run is in two packs, and a pack trains no run twice."""

import dataclasses
import itertools
import threading

import pytest

from grok.experiment import experiment
from grok.experiments import runner
from grok.sweep.expand import run_key
from grok.sweep.packs import Outcome, Pack, existing_runs, make_packs, train_pack
from grok.tracking import Run, Store
from tests.experiments.helpers import interrupt_before, setup
from tests.helpers import FAIL_SAFE, new_run
from tests.sweep.helpers import small_sweep, wanted_of

GROKKING = experiment("grokking")


def packs_of(root, wanted, together):
    return make_packs(GROKKING, wanted, existing_runs(Store(root), "grokking"), together)


def only_pack(root, wanted):
    (pack,) = packs_of(root, wanted, together=len(wanted))
    return pack


@pytest.fixture
def wanted(tmp_path):
    return wanted_of(small_sweep(tmp_path, steps=20, seeds="0-2", decays="[0, 1]"))


def test_the_newest_run_of_each_config_and_seed_is_found_by_one_reading_of_each(tmp_path, wanted, monkeypatch):
    old, new, other = (new_run(tmp_path, seed=seed, config=wanted[0].config) for seed in (0, 0, 1))
    read = []
    usual = Run.manifest
    monkeypatch.setattr(Run, "manifest", lambda run: read.append(run.id) or usual(run))
    config = wanted[0].config
    assert existing_runs(Store(tmp_path), "grokking") == {run_key(config, 0): new, run_key(config, 1): other}
    assert sorted(read) == sorted(run.id for run in (old, new, other))


def test_a_run_of_the_same_hash_and_another_config_is_not_taken_for_it(tmp_path, wanted):
    run = new_run(tmp_path, config=wanted[0].config)  # trained when, say, another loss was the default
    run.update(status="finished", config=run.manifest()["config"] | {"loss": "stablemax"})
    assert [pack.keys for pack in packs_of(tmp_path, wanted[:1], 1)] == [(wanted[0].key,)]
    run.update(config=run.manifest()["config"] | {"surprise": 1})  # another version's
    assert existing_runs(Store(tmp_path), "grokking") == {}


@pytest.mark.parametrize(("asked", "trained"), [("nearest", "down"), ("down", "nearest")])
def test_a_run_with_the_same_split_is_taken_for_it_and_a_new_run_keeps_its_rule_of_rounding(tmp_path, asked, trained):
    path = small_sweep(tmp_path, steps=20, seeds="0-1", decays="[0]")
    path.write_text(path.read_text().replace("task = {", f'task = {{rounding = "{asked}", '))
    wanted = wanted_of(path)
    config = wanted[0].config
    task = dataclasses.replace(config.task, rounding=trained)
    new_run(tmp_path, seed=0, config=dataclasses.replace(config, task=task)).update(status="finished")
    (pack,) = packs_of(tmp_path, wanted, 2)
    assert (pack.wanted, config.task.rounding) == (((config, 1),), asked)


def test_new_runs_that_are_alike_are_stacked_and_ended_ones_left_out(tmp_path, wanted):
    keys = [each.key for each in wanted]
    assert [pack.keys for pack in packs_of(tmp_path, wanted, 4)] == [tuple(keys[:4]), tuple(keys[4:])]
    new_run(tmp_path, seed=0, config=wanted[0].config).update(status="finished")
    new_run(tmp_path, seed=1, config=wanted[1].config).update(status="failed", diverged=True)
    assert [pack.keys for pack in packs_of(tmp_path, wanted, 1)] == [(key,) for key in keys[2:]]


def test_unfinished_runs_go_on_with_the_stack_that_they_were_in(tmp_path, wanted, monkeypatch):
    with monkeypatch.context() as patch:
        interrupt_before(patch, 5)
        pairs = [(each.config, each.seed) for each in (wanted[1], wanted[4])]
        runner.start(GROKKING, pairs, setup(tmp_path))
    new_run(tmp_path, seed=0, config=wanted[0].config).update(status="failed", error="no space left")
    expected = [(wanted[0].key,), (wanted[1].key, wanted[4].key), (wanted[2].key,), (wanted[3].key,), (wanted[5].key,)]
    assert [pack.keys for pack in packs_of(tmp_path, wanted, 1)] == expected


def test_a_pack_trains_what_is_missing_and_nothing_that_is_finished(tmp_path, wanted):
    pack = only_pack(tmp_path, wanted[:2])
    for _ in range(2):
        assert train_pack(pack, setup(tmp_path), stop=lambda: False) == Outcome(ended=True)
    assert [run.manifest()["status"] for run in Store(tmp_path).runs()] == ["finished", "finished"]
    assert train_pack(pack, setup(tmp_path), stop=lambda: True) == Outcome(ended=False)


@pytest.mark.parametrize("status", ["running", "interrupted"])  # one that is gone on with says so a moment later
def test_a_run_that_another_process_holds_is_waited_for(tmp_path, wanted, monkeypatch, status):
    pack = only_pack(tmp_path, wanted[:1])
    run = new_run(tmp_path, seed=0, config=wanted[0].config)
    run.update(status=status)
    outcomes, looks, looked_twice = [], itertools.count(1), threading.Event()

    def stop():
        if next(looks) > 2:
            looked_twice.set()
        return False

    waiting = threading.Thread(target=lambda: outcomes.append(train_pack(pack, setup(tmp_path), stop)))
    monkeypatch.setattr("grok.sweep.packs.POLL", 0.01)
    with run.lock():
        waiting.start()
        assert looked_twice.wait(FAIL_SAFE)
        assert outcomes == []
        run.update(status="finished")
    waiting.join(FAIL_SAFE)
    assert outcomes == [Outcome(ended=True)]
    assert Store(tmp_path).runs() == [run]


def test_an_error_is_the_packs_outcome(tmp_path, wanted):
    run = new_run(tmp_path, seed=0, config=wanted[0].config)
    run.update(status="interrupted", step=10)
    outcome = train_pack(only_pack(tmp_path, wanted[:1]), setup(tmp_path), lambda: False)
    assert (outcome.ended, outcome.failed) == (True, 1)
    assert outcome.error.startswith(f"{run.checkpoints_path} is empty: restore it")


def test_a_run_whose_loss_diverges_is_counted_as_failed(tmp_path):
    path = small_sweep(tmp_path, steps=20, seeds="0", decays="[0]")
    path.write_text(path.read_text() + "optimiser.learning_rate = [1e30]\noptimiser.warmup_steps = [0]\n")
    pack: Pack = only_pack(tmp_path, wanted_of(path))
    assert train_pack(pack, setup(tmp_path), lambda: False) == Outcome(ended=True, failed=1)
