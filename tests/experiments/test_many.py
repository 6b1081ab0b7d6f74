"""Many runs train together or in turn, each with its own record; repeating the call resumes them."""

import dataclasses
import shutil

import pandas as pd
import pytest

from grok.cli import main
from grok.config import ConfigError, OptimiserConfig
from grok.experiments import driving, runner
from grok.experiments.many import train_many
from grok.tasks.images import DataFolder
from grok.tracking import Run, Store
from grok.training import executor
from grok.training.checkpoint import checkpoints
from grok.training.phases import Settle
from tests.experiments.helpers import EXPERIMENT, altered, interrupt_before, setup
from tests.helpers import SMALL_FLAGS, small_config
from tests.tolerances import measurement_rounding
from tests.training.test_stack import PAIRS

WILD = OptimiserConfig(learning_rate=1e30, warmup_steps=0)


def many(root, wanted, *, together, again=False):
    return train_many(EXPERIMENT, wanted, setup(root), together=together, again=again)


STEPS = 100
COMPARED = 50
"""Up to this step rounding differences stay small. Later a neuron that is off in one run may turn on in another, and
AdamW moves its weights by the learning rate however small their gradient is."""


def seeds(count, config=None):
    return [(config or small_config(steps=STEPS), seed) for seed in range(count)]


def statuses(runs):
    return [(run.manifest()["status"], run.manifest()["step"]) for run in runs]


def assert_same_records(runs, expected):
    for run, other in zip(runs, expected, strict=True):
        pd.testing.assert_frame_equal(run.metrics(), other.metrics(), check_exact=True)


def assert_same_but_for_rounding(runs, expected):
    error = measurement_rounding(PAIRS, steps=COMPARED)
    for run, other in zip(runs, expected, strict=True):
        rows, other_rows = run.metrics(), other.metrics()
        assert rows["step"].tolist() == other_rows["step"].tolist()
        early = rows["step"] <= COMPARED
        pd.testing.assert_frame_equal(rows[early], other_rows[early], rtol=error["rel"], atol=error["abs"])


@pytest.fixture(scope="module")
def stacked(tmp_path_factory):
    runs, finished = many(tmp_path_factory.mktemp("stacked"), seeds(3), together=3)
    assert finished
    return runs


@pytest.fixture(scope="module")
def alone(tmp_path_factory):
    return many(tmp_path_factory.mktemp("alone"), seeds(3), together=1)[0]


def test_each_member_of_a_stack_has_the_run_that_it_would_have_alone(stacked, alone):
    assert statuses(stacked) == statuses(alone) == [("finished", STEPS)] * 3
    assert_same_but_for_rounding(stacked, alone)
    for run, other in zip(stacked, alone, strict=True):
        manifest, expected = run.manifest(), other.manifest()
        assert manifest.pop("stack") == [each.id for each in stacked]
        assert {name: type(value) for name, value in manifest.items()} == {
            name: type(value) for name, value in expected.items()
        }
        for name in ("config", "config_hash", "seed", "id", "device", "executor", "tf32"):
            assert manifest[name] == expected[name]
        assert set(manifest["summary"]["events"]) == set(expected["summary"]["events"])
        assert list(checkpoints(run)) == list(checkpoints(other)) == [STEPS]


def test_finished_runs_are_left_and_missing_ones_trained(tmp_path, capsys):
    many(tmp_path, seeds(2), together=2)
    before = [run.metrics_path.stat().st_ino for run in Store(tmp_path).runs()]
    runs, _ = many(tmp_path, seeds(3), together=2)
    assert [run.manifest()["seed"] for run in runs] == [0, 1, 2]
    assert [run.metrics_path.stat().st_ino for run in runs[:2]] == before
    assert capsys.readouterr().err.count("3 runs: 2 ended, 0 to resume, 1 new\n") == 1
    assert len(many(tmp_path, seeds(1), together=1, again=True)[0]) == 1
    assert len(Store(tmp_path).runs()) == 4


@pytest.mark.parametrize("step", [1, 50, 77])
def test_an_interrupted_stack_goes_on_to_the_records_of_an_uninterrupted_one(tmp_path, monkeypatch, stacked, step):
    with monkeypatch.context() as patch:
        interrupt_before(patch, step)
        runs, finished = many(tmp_path, seeds(3), together=3)
    assert not finished
    assert statuses(runs) == [("interrupted", step)] * 3
    runs, finished = many(tmp_path, seeds(3), together=3)
    assert finished
    assert_same_records(runs, stacked)


def test_one_member_resumed_takes_its_stack_along(tmp_path, monkeypatch, stacked):
    with monkeypatch.context() as patch:
        interrupt_before(patch, 30)
        runs, _ = many(tmp_path, seeds(3), together=3)
    resumed, finished = runner.resume(runs[1], wandb="disabled")
    assert finished
    assert [run.id for run in resumed] == [run.id for run in runs]
    assert_same_records(resumed, stacked)


def test_members_that_a_kill_left_a_save_behind_take_the_others_back_to_it(tmp_path, monkeypatch, stacked):
    monkeypatch.setattr(driving, "SAVE_INTERVAL", 0.0)
    monkeypatch.setattr(driving, "SAVE_SHARE", 1e9)
    with monkeypatch.context() as patch:
        interrupt_before(patch, 99)
        runs, _ = many(tmp_path, seeds(3), together=3)
    assert [list(checkpoints(run)) for run in runs] == [[50, 99]] * 3
    assert runner._standing_together(runs[0], runs) == (runs, 99)
    checkpoints(runs[2])[99].unlink()  # as if killed before this one was written
    runs, _ = many(tmp_path, seeds(3), together=3)
    assert_same_records(runs, stacked)


class Accurate(Settle):
    """An end rule that treats every test accuracy from a given step on as grokked."""

    def __init__(self, at):
        super().__init__(steps=120, settle=20)
        self.at = at

    def update(self, step, accuracy):
        super().update(step, 1.0 if step >= self.at else 0.0)


def build_with_an_end_of_its_own(config, seed, device, folder):
    return dataclasses.replace(
        type(EXPERIMENT).build(EXPERIMENT, config, seed, device), settle=Accurate(10 + 20 * seed)
    )


@pytest.fixture(scope="module")
def leaving(tmp_path_factory):
    """A stack whose members have ended at steps 30, 50 and 70."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(EXPERIMENT, "build", build_with_an_end_of_its_own)
        return many(tmp_path_factory.mktemp("leaving"), seeds(3), together=3)[0]


@pytest.fixture
def members_leave(monkeypatch):
    monkeypatch.setattr(EXPERIMENT, "build", build_with_an_end_of_its_own)


@pytest.mark.usefixtures("members_leave")
def test_a_member_that_has_ended_leaves_and_the_others_go_on(tmp_path, leaving):
    singles, _ = many(tmp_path, seeds(3), together=1)
    assert statuses(leaving) == statuses(singles) == [("finished", 30), ("finished", 50), ("finished", 70)]
    assert_same_but_for_rounding(leaving, singles)


@pytest.mark.usefixtures("members_leave")
def test_when_a_member_has_ended_the_others_resume_from_no_earlier_step(tmp_path, monkeypatch):
    update, seen = Run.update, []

    def watch(run, **fields):
        if fields.get("status") == "finished":
            seen.append([max(checkpoints(peer), default=0) for peer in Store(tmp_path).runs()])
        update(run, **fields)

    monkeypatch.setattr(Run, "update", watch)
    many(tmp_path, seeds(3), together=3)
    assert seen == [[30, 30, 30], [30, 50, 50], [30, 50, 70]]


@pytest.mark.usefixtures("members_leave")
@pytest.mark.parametrize("step", [29, 40, 60])
def test_a_stack_that_some_have_left_goes_on_to_the_same_records(tmp_path, monkeypatch, leaving, step):
    with monkeypatch.context() as patch:
        interrupt_before(patch, step)
        runs, finished = many(tmp_path, seeds(3), together=3)
    assert not finished
    runs, finished = many(tmp_path, seeds(3), together=3)
    assert finished
    assert_same_records(runs, leaving)


def test_a_member_that_diverges_is_recorded_as_failed_and_the_others_are_as_they_would_be(tmp_path, alone):
    (tame, wild) = (small_config(steps=STEPS, optimiser=optimiser) for optimiser in (OptimiserConfig(), WILD))
    runs, finished = many(tmp_path, [(tame, 0), (wild, 1), (tame, 2)], together=3)
    assert finished
    assert statuses(runs) == [("finished", STEPS), ("failed", 0), ("finished", STEPS)]
    assert runs[1].manifest()["error"].endswith("at step 1: lower optimiser.learning_rate (now 1e+30)")
    assert runs[1].metrics()["step"].tolist() == [0]
    assert_same_but_for_rounding([runs[0], runs[2]], [alone[0], alone[2]])


def test_a_run_that_another_process_has_finished_meanwhile_is_left(tmp_path, monkeypatch):
    with monkeypatch.context() as patch:
        interrupt_before(patch, 2)
        first, second = (run for pair in seeds(2) for run in runner.start(EXPERIMENT, [pair], setup(tmp_path))[0])
    gone_on = []

    def resume(run, **how):
        gone_on.append(run)
        second.update(status="finished")
        return runner.resume(run, **how)

    monkeypatch.setattr("grok.experiments.many.resume", resume)
    assert many(tmp_path, seeds(2), together=1) == ([first, second], True)
    assert gone_on == [first]


def test_a_seed_whose_data_make_the_config_impossible_is_refused_before_any_is_trained(tmp_path):
    def check(config, seed, folder):
        assert folder == DataFolder()
        if seed == 2:
            raise ConfigError("task.train_fraction: of seed 2")

    with pytest.raises(ConfigError, match="of seed 2"):
        train_many(altered(check=check), seeds(3), setup(tmp_path), together=1)
    assert not list(tmp_path.iterdir())


def test_configs_that_differ_in_shape_train_in_stacks_of_their_own(tmp_path):
    other = dataclasses.replace(small_config(), probes=dataclasses.replace(small_config().probes, norms="off"))
    fraction = dataclasses.replace(small_config(), task=dataclasses.replace(small_config().task, train_fraction=0.6))
    wanted = [(small_config(steps=2), 0), (dataclasses.replace(other, steps=2), 0)]
    wanted += [(dataclasses.replace(fraction, steps=3), 0), (small_config(steps=2), 1)]
    runs, _ = many(tmp_path, wanted, together=2)
    stacks = [run.manifest().get("stack", [run.id]) for run in runs]
    ids = [run.id for run in runs]
    assert stacks == [[ids[0], ids[2]], [ids[1]], [ids[0], ids[2]], [ids[3]]]
    with pytest.raises(ValueError, match="expected configs that can be stacked"):
        runner.start(EXPERIMENT, wanted[:2], setup(tmp_path))


@pytest.fixture
def called_grok(monkeypatch):
    """Printed commands name the program as it was called."""
    monkeypatch.setattr("sys.argv", ["grok"])


def train(root, *flags):
    return main(["train", "grokking", *SMALL_FLAGS, "--steps", "3", "--runs", str(root), *flags])


@pytest.mark.usefixtures("called_grok")
def test_the_seeds_of_a_command_are_trained_together_and_listed(tmp_path, capsys):
    assert train(tmp_path, "--seeds", "0-1,4", "--stack", "2") == 0
    runs = Store(tmp_path).runs()
    assert [run.manifest()["seed"] for run in runs] == [0, 1, 4]
    assert [len(run.manifest().get("stack", [])) for run in runs] == [2, 2, 0]
    out = capsys.readouterr().out
    assert all(run.id in out for run in runs)
    assert out.endswith(f"\nNext, draw them:\n    grok figures --runs {tmp_path}\n")


def test_interrupted_seeds_go_on_by_the_same_command(tmp_path, capsys, monkeypatch):
    with monkeypatch.context() as patch:
        interrupt_before(patch, 2)
        assert train(tmp_path, "--seeds", "0-1", "--stack", "2") == 130
    assert capsys.readouterr().out.endswith(
        "\nInterrupted; everything is saved. To continue, run the same command again.\n"
    )
    assert train(tmp_path, "--seeds", "0-1", "--stack", "2") == 0
    assert statuses(Store(tmp_path).runs()) == [("finished", 3)] * 2


def test_seeds_of_which_one_failed_end_with_1_and_its_error(tmp_path, capsys):
    assert train(tmp_path, "--seeds", "0-1", "--stack", "2", "--config.optimiser.learning-rate", "1e30") == 1
    errors = [line for line in capsys.readouterr().err.splitlines() if line.startswith("grok: ")]
    assert [line.split(": ")[1] for line in errors] == [run.name for run in Store(tmp_path).runs()]
    assert all("lower optimiser.learning_rate" in line for line in errors)


def test_a_member_that_diverges_while_measuring_lags_leaves_once(tmp_path, monkeypatch):
    monkeypatch.setattr(executor.SideStream, "exists", True)
    monkeypatch.setattr(driving, "SAVE_INTERVAL", 0.0)  # so that a save measures the next block amid the first
    monkeypatch.setattr(driving, "SAVE_SHARE", 1e9)
    (tame, wild) = (small_config(steps=STEPS, optimiser=optimiser) for optimiser in (OptimiserConfig(), WILD))
    runs, _ = many(tmp_path, [(tame, 0), (wild, 1)], together=2)
    assert [status for status, _ in statuses(runs)] == ["finished", "failed"]
    assert " at step 1: " in runs[1].manifest()["error"]


def test_a_diverged_run_is_not_tried_again(tmp_path, capsys):
    for expected in ("2 runs: 0 ended, 0 to resume, 2 new", "2 runs: 2 ended, 0 to resume, 0 new"):
        assert train(tmp_path, "--seeds", "0-1", "--stack", "2", "--config.optimiser.learning-rate", "1e30") == 1
        assert expected in capsys.readouterr().err


def test_checkpoints_of_a_time_that_is_trained_anew_are_removed(tmp_path, monkeypatch, stacked):
    """After two kills during a save, a stale checkpoint of a member must not replace the one that all share."""
    monkeypatch.setattr(driving, "SAVE_INTERVAL", 0.0)
    monkeypatch.setattr(driving, "SAVE_SHARE", 1e9)
    with monkeypatch.context() as patch:
        interrupt_before(patch, 60)
        runs, _ = many(tmp_path, seeds(3), together=3)
    for run in runs[1:]:
        checkpoints(run)[60].unlink()
    with monkeypatch.context() as patch:
        interrupt_before(patch, 5)
        many(tmp_path, seeds(3), together=3)
    assert [list(checkpoints(run)) for run in runs] == [[50, 55]] * 3
    runs, _ = many(tmp_path, seeds(3), together=3)
    assert_same_records(runs, stacked)


def test_the_rest_of_a_stack_goes_on_without_a_run_that_is_gone(tmp_path, monkeypatch, capsys):
    with monkeypatch.context() as patch:
        interrupt_before(patch, 30)
        runs, _ = many(tmp_path, seeds(3), together=3)
    shutil.rmtree(runs[1].path)
    resumed, finished = runner.resume(runs[0], wandb="disabled")
    assert (finished, [run.id for run in resumed]) == (True, [runs[0].id, runs[2].id])
    assert "grok: 1 runs of the stack are missing; the others continue\n" in capsys.readouterr().err
