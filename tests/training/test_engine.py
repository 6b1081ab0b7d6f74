"""The engine takes plain AdamW steps, measures on schedule, and ends at the correct step."""

import copy
import dataclasses
import math

import pytest
import torch
import torch.nn.functional as F

from grok.config import OptimiserConfig, Schedule
from grok.tasks import operation_task
from grok.training.engine import Engine, TrainingError
from grok.training.executor import eager
from grok.training.learner import Learner
from grok.training.phases import Settle
from grok.training.probes import Probe
from grok.training.recorder import Recorder
from tests.helpers import before_step, new_run, run_steps, small_config, small_engine, small_member
from tests.reference.tape import Tapes
from tests.reference.transformer import full_sequence_logits

# step -> training loss of seed 0; a new value here means that every run's numbers have changed
GOLDEN = {
    0: 2.4073395641543454,
    10: 2.3583080949811945,
    20: 2.31736983226373,
    30: 2.281207319721189,
    40: 2.245477221837999,
    50: 2.204899300918258,
}


@pytest.mark.parametrize("how", ["alone", "replayed", "stacked"])
def test_the_seeded_loss_is_what_it_was(tmp_path, how):
    members = [small_member(seed=seed) for seed in range(3 if how == "stacked" else 1)]
    engine = Engine(members, executor=Tapes if how == "replayed" else eager)
    rows = []
    engine.run(
        [Recorder(new_run(tmp_path)) for _ in members],
        on_block=lambda measured: rows.extend(measured[0].rows()),
        interrupted=before_step(51),
    )
    losses = {step: row["train/loss"] for step, row in rows if "train/loss" in row}
    assert {step: losses[step] for step in GOLDEN} == pytest.approx(GOLDEN, rel=1e-5)


@pytest.mark.parametrize("rule", ["adamw", "adam", "sgd"])
def test_a_replayed_step_filters_updates_and_restores_the_norm_as_the_plain_one(tmp_path, rule):
    config = OptimiserConfig(rule=rule, learning_rate=1e-2, grokfast=2.0, fixed_norm=True)
    plain, replayed = (
        run_steps(Engine([small_member(optimiser=config, accuracy="every:1")], executor=how), new_run(tmp_path), 15)
        for how in (eager, Tapes)
    )
    assert plain == replayed


def test_row_t_is_the_network_after_t_plain_adamw_updates_of_the_textbook_transformer(tmp_path):
    config = OptimiserConfig(learning_rate=3e-3, weight_decay=0.5, betas=(0.8, 0.95), warmup_steps=4)
    engine = small_engine(optimiser=config, accuracy="every:1")
    learner = engine.members[0].learner
    model, splits = copy.deepcopy(learner.model), [learner.samples(split) for split in ("train", "test")]
    optimiser = torch.optim.AdamW(model.parameters(), betas=(0.8, 0.95), weight_decay=0.5)
    expected = []
    for step in range(21):
        losses = [
            F.cross_entropy(full_sequence_logits(model, split.inputs).double(), split.targets) for split in splits
        ]
        expected.append([loss.item() for loss in losses])
        optimiser.zero_grad()
        losses[0].backward()
        optimiser.param_groups[0]["lr"] = [0.75e-3, 1.5e-3, 2.25e-3, 3e-3][min(step, 3)]
        optimiser.step()
    rows = run_steps(engine, new_run(tmp_path), 21)
    assert [step for step, _ in rows] == list(range(21))
    assert [[row["train/loss"], row["test/loss"]] for _, row in rows] == [
        pytest.approx(losses, rel=1e-5) for losses in expected
    ]


def test_the_first_update_moves_the_weights_by_the_warmed_up_learning_rate(tmp_path):
    config = OptimiserConfig(learning_rate=1e-3, weight_decay=0.0, warmup_steps=10)
    engine = small_engine(optimiser=config)
    head = engine.members[0].learner.model.head
    before = head.weight.detach().clone()
    run_steps(engine, new_run(tmp_path), 1)
    moved = (head.weight - before).abs()  # AdamW's first update is rate times sign, but for epsilon
    assert moved.max().item() == pytest.approx(1e-4, rel=1e-3)


def test_the_same_seed_gives_the_same_record_bit_for_bit(tmp_path):
    first, second = (run_steps(small_engine(), new_run(tmp_path), 60) for _ in range(2))
    assert first == second


def test_each_probe_measures_when_it_is_due(tmp_path):
    engine = small_engine(
        steps=100, accuracy="every:20", norms="log:1", embedding="every:50", sample="off", prototype="off"
    )
    rows = run_steps(engine, new_run(tmp_path), 90)
    columns = ("test/accuracy", "weight_norm", "interplay/embedding/mir")
    steps = [[step for step, row in rows if column in row] for column in columns]
    assert steps == [[0, 20, 40, 60, 80], [0, 1, 10], [0, 50]]
    assert not any(name.startswith(("interplay/sample", "interplay/prototype")) for _, row in rows for name in row)


class Scripted(Probe):
    """A probe with a chosen test accuracy at steps that are counted on the device."""

    name = "scripted"

    def __init__(self, accuracies, schedule):
        super().__init__(Schedule.parse(schedule))
        self.accuracies = accuracies
        self.spacing = self.schedule.number
        self.calls = 0

    def observe(self, snapshot):
        self.calls += 1
        return {"step": torch.tensor((self.calls - 1) * self.spacing)}

    def evaluate(self, observed):
        values = [
            max((step, value) for step, value in self.accuracies.items() if step <= now)[1]
            for now in observed["step"].tolist()
        ]
        return {"test/accuracy": torch.tensor(values, dtype=torch.float64)}


class Constant(Probe):
    name = "constant"

    def observe(self, snapshot):
        return {"one": torch.tensor(1.0)}

    def evaluate(self, observed):
        return {"constant": observed["one"]}


def scripted_engine(accuracies, *, settle, schedule="every:1", overlap=False):
    small = small_member()
    learner = Learner(
        task=operation_task(small_config().task, 0),
        model=small.learner.model,
        objective=small.learner.objective,
        probes=[Scripted(accuracies, schedule), Constant(Schedule.parse("every:7"))],
    )
    engine = Engine([dataclasses.replace(small, learner=learner, settle=Settle(steps=300, settle=settle))])
    engine.overlap = overlap
    return engine


def run_to_the_end(engine, run):
    rows = []
    finished = engine.run([Recorder(run)], on_block=lambda measured: rows.extend(measured[0].rows()))
    assert finished
    return rows


@pytest.mark.parametrize(
    ("accuracies", "last"),
    [
        ({0: 0.1, 13: 0.99}, 13 + 60),
        ({0: 0.1, 13: 0.99, 40: 0.98, 41: 1.0}, 41 + 60),
        ({0: 0.1, 13: 0.99, 72: 0.98, 73: 1.0}, 73 + 60),  # the dip is seen although the end was near
        ({0: 0.1, 290: 1.0}, 300),
        ({0: 0.9899}, 300),
    ],
    ids=["stays", "dips", "dips just before the end", "reached too late", "never"],
)
@pytest.mark.parametrize("overlap", [False, True])
def test_a_run_ends_settle_steps_after_test_accuracy_has_come_to_stay(tmp_path, accuracies, last, overlap):
    engine = scripted_engine(accuracies, settle=60, overlap=overlap)
    rows = run_to_the_end(engine, new_run(tmp_path))
    assert engine.step == last
    assert [step for step, _ in rows] == list(range(last + 1))


@pytest.mark.parametrize(("settle", "overlap"), [(20, False), (20, True), (3, True), (2, True), (1, False)])
def test_a_settle_shorter_than_a_block_ends_the_run_as_soon(tmp_path, settle, overlap):
    engine = scripted_engine({0: 0.1, 13: 0.99}, settle=settle, overlap=overlap)
    run_to_the_end(engine, new_run(tmp_path))
    assert engine.step == 13 + settle


def test_the_last_row_is_measured_in_full(tmp_path):
    engine = scripted_engine({0: 0.1, 12: 0.99}, settle=61, schedule="every:6")
    rows = run_to_the_end(engine, new_run(tmp_path))
    assert rows[-1] == (73, {"test/accuracy": 0.99, "constant": 1.0})
    assert rows[-2] == (72, {"test/accuracy": 0.99})


@pytest.mark.parametrize("overlap", [False, True])
def test_an_interrupted_engine_stops_before_the_next_step_with_all_rows(tmp_path, overlap):
    engine = small_engine()
    engine.overlap = overlap
    assert [step for step, _ in run_steps(engine, new_run(tmp_path), 87)] == list(range(87))
    assert engine.step == 87


def test_measuring_a_block_late_changes_nothing(tmp_path):
    engines = [small_engine(), small_engine()]
    engines[1].overlap = True
    first, second = (run_to_the_end(engine, new_run(tmp_path)) for engine in engines)
    assert first == second


def test_a_loss_that_is_not_finite_ends_training_and_names_step_and_mend(tmp_path):
    config = OptimiserConfig(learning_rate=1e30, warmup_steps=0)
    engine = small_engine(optimiser=config)
    message = r"^the training loss is (nan|inf) at step 1: lower optimiser.learning_rate \(now 1e\+30\)$"
    with pytest.raises(TrainingError, match=message):
        engine.run([Recorder(new_run(tmp_path))])


def test_the_loss_at_the_start_is_that_of_guessing(tmp_path):
    ((_, row),) = run_steps(small_engine(), new_run(tmp_path), 1)
    assert row["train/loss"] == pytest.approx(math.log(small_config().task.modulus), rel=0.05)
