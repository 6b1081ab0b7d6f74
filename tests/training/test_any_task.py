"""A task and a network from outside the package train, are measured, stacked, saved and resumed."""

import dataclasses

import pytest
import torch
from torch import nn

from grok.config import ClassifierProbesConfig, ConfigError, OptimiserConfig, ProbesConfig
from grok.models import Classifier
from grok.random import stream
from grok.tasks import Task
from grok.training import probes
from grok.training.batches import Batches
from grok.training.checkpoint import checkpoints, load_checkpoint, save_checkpoint
from grok.training.engine import BLOCK, Engine
from grok.training.learner import Learner
from grok.training.learning_rate import LearningRateSchedule
from grok.training.loss import cross_entropy
from grok.training.objective import FullBatch, Supervised
from grok.training.optimiser import Optimiser
from grok.training.phases import Phase, Phases, Settle
from grok.training.probes import Probe, make_probes, register_probe
from grok.training.step import Member
from tests.helpers import new_run, run_steps
from tests.reference.tape import Tapes
from tests.training.test_stack import rows_of

OPTIMISER = OptimiserConfig(learning_rate=1e-2, weight_decay=0.1)
PROBES = ClassifierProbesConfig(**dict.fromkeys(ClassifierProbesConfig.names(), "every:4"), sample_size=20)


class Sequences(Classifier):
    """An MLP on the mean embedding of a sequence of tokens."""

    def __init__(self, *, generator: torch.Generator) -> None:
        super().__init__()
        self.embedding = nn.Parameter(torch.randn(7, 16, generator=generator))
        self.inner = nn.Parameter(torch.randn(16, 12, generator=generator) / 4)
        self.head = nn.Linear(12, 7, bias=False)
        nn.init.normal_(self.head.weight, std=0.25, generator=generator)

    def features(self, inputs):
        return (self.embedding[inputs].mean(dim=1) @ self.inner).relu()


class Bits(Classifier):
    """A perceptron on 40 numbers, with batch normalisation and a bias in its head."""

    def __init__(self, *, generator: torch.Generator) -> None:
        super().__init__()
        self.inner = nn.Parameter(torch.randn(40, 12, generator=generator) / 6)
        self.normalise = nn.BatchNorm1d(12)
        self.head = nn.Linear(12, 2)
        nn.init.normal_(self.head.weight, std=0.25, generator=generator)
        nn.init.zeros_(self.head.bias)

    def features(self, inputs):
        return self.normalise(inputs @ self.inner).relu()


def split(inputs, targets, num_classes, seed, *, train=150):
    order = torch.randperm(len(targets), generator=stream(seed, "split"))
    return Task(inputs=inputs, targets=targets, train=order[:train], test=order[train:], num_classes=num_classes)


def sums_of_five(seed, **settings):
    """A task of sequences of five tokens, whose class is their sum modulo 7."""
    inputs = torch.randint(7, (260, 5), generator=stream(0, "tokens"))
    return split(inputs, inputs.sum(dim=1) % 7, 7, seed, **settings)


def parity(seed):
    """A task of 40 bits, given as 1 and -1, whose class is the parity of three of them."""
    inputs = torch.randint(2, (260, 40), generator=stream(0, "bits"))
    return split(1.0 - 2 * inputs, inputs[:, [3, 17, 31]].sum(dim=1) % 2, 2, seed)


def in_full(task, seed):
    return FullBatch(cross_entropy)


def on_batches(task, seed):
    return Supervised(Batches(task, size=32, seed=seed, block=BLOCK), cross_entropy)


def member(task, network, objective, seed=0, measured=PROBES):
    model = network(generator=stream(seed, "model"))
    learner = Learner(
        task=task, model=model, objective=objective(task, seed), probes=make_probes(measured, task, model, seed)
    )
    return Member(
        learner=learner,
        optimiser=Optimiser(model, OPTIMISER),
        settle=Settle(steps=200, settle=None),
        phases=Phases([Phase(steps=200, learning_rate=LearningRateSchedule.of(OPTIMISER))]),
    )


FAMILIES = {
    "sequences, all at once": lambda: member(sums_of_five(0), Sequences, in_full),
    "bits, on batches": lambda: member(parity(0), Bits, on_batches),
}
FAMILY = pytest.mark.parametrize("make", FAMILIES.values(), ids=FAMILIES)

COLUMNS = (
    "test/accuracy",
    "weight_norm",
    "interplay/prototype/train/mir",
    "interplay/sample/test/hdr",
    "interplay/sample-all/test/mir",
    "collapse/test/nc1",
    "rank/features/train",
)


@FAMILY
def test_it_learns_and_every_measure_is_taken(tmp_path, make):
    rows = dict(run_steps(Engine([make()]), new_run(tmp_path), 41))
    assert list(rows) == list(range(0, 41, 4))
    assert rows[40]["train/loss"] < 0.9 * rows[0]["train/loss"]
    assert all(set(COLUMNS) < set(row) for row in rows.values())
    assert not any(name.startswith(("fourier", "interplay/embedding", "rank/embedding")) for name in rows[0])


@FAMILY
def test_a_training_that_is_saved_and_resumed_goes_on_to_the_same_numbers(tmp_path, make):
    whole = run_steps(Engine([make()]), new_run(tmp_path), 25)
    run, first = new_run(tmp_path), make()
    run_steps(Engine([first]), run, 13)
    save_checkpoint(run, 13, first)
    second = make()
    assert load_checkpoint(checkpoints(run)[13], second) == 13
    assert run_steps(Engine([second], first_step=13), run, 12) == whole[-3:]
    assert [step for step, _ in whole[-3:]] == [16, 20, 24]


@FAMILY
def test_a_replayed_step_trains_and_measures_as_the_plain_one(tmp_path, make):
    plain, replayed = (
        run_steps(Engine([make()], executor=executor), new_run(tmp_path), 21) for executor in (lambda step: step, Tapes)
    )
    assert replayed == plain


def test_members_of_splits_of_different_sizes_measure_in_a_stack_what_they_do_alone(tmp_path):
    settings = dataclasses.replace(PROBES, sample_sizes="off")

    def members():
        return [
            member(sums_of_five(seed, train=120 + 30 * seed), Sequences, in_full, seed, settings) for seed in (0, 1)
        ]

    stacked = rows_of(members(), tmp_path, steps=5)
    for rows, each in zip(stacked, members(), strict=True):
        (alone,) = rows_of([each], tmp_path, steps=5)
        for (_, row), (_, expected) in zip(rows, alone, strict=True):
            assert row == pytest.approx(expected, rel=1e-4, abs=1e-5)


def test_a_network_that_is_another_in_training_is_measured_as_in_use():
    """Batch normalisation uses batch statistics in training and their averages in evaluation."""
    learner = member(parity(0), Bits, in_full).learner
    loss, observed = learner(("accuracy",))
    train = learner.samples("train")
    in_training = cross_entropy(learner.model(train.inputs), train.targets)
    assert loss.item() == pytest.approx(in_training.item(), rel=1e-6)
    fresh = member(parity(0), Bits, in_full).learner.model.eval()
    in_use = cross_entropy(fresh(train.inputs), train.targets)
    assert observed["accuracy"]["train/loss"].item() == pytest.approx(in_use.item(), rel=1e-6)
    assert abs(in_use - in_training) > 1e-3


REJECTED = {
    "embedding": "off, as Sequences is no TokenClassifier, got every:1",
    "fourier": "off, as the classes of the task lie on no cycle, got a schedule",
    "neurons": "off, as the classes of the task lie on no cycle, got a schedule",
    "spectrum": "off, as the classes of the task lie on no cycle, got a schedule",
    "swapped": "off, as samples are not made of 2 elements each, got a schedule",
}


@pytest.mark.parametrize("probe", REJECTED)
def test_a_probe_that_has_nothing_to_measure_on_task_or_network_is_rejected(probe):
    settings = ProbesConfig.only(**{probe: "every:1"})
    with pytest.raises(ConfigError, match=rf"^probes\.{probe}: expected {REJECTED[probe]}$"):
        member(sums_of_five(0), Sequences, in_full, measured=settings)


class Smallest(Probe):
    """A probe of the smallest logit of the test split."""

    name = "smallest"

    def observe(self, snapshot):
        return {"smallest": snapshot.logits("test").min().double()}

    def evaluate(self, observed):
        return dict(observed)


@dataclasses.dataclass(frozen=True, kw_only=True)
class WithSmallest(ClassifierProbesConfig):
    """Settings with a probe from outside the package."""

    smallest: str = "every:5"


def test_a_probe_from_elsewhere_measures_where_the_settings_have_its_schedule(tmp_path, monkeypatch):
    settings = WithSmallest.only(smallest="every:5", accuracy="every:1")
    with pytest.raises(ValueError, match=r"^config: expected schedules of probes that are registered, got smallest$"):
        member(sums_of_five(0), Sequences, in_full, measured=settings)
    monkeypatch.setattr(probes, "PROBES", dict(probes.PROBES))
    assert register_probe(Smallest) is Smallest
    engine = Engine([member(sums_of_five(0), Sequences, in_full, measured=settings)])
    rows = run_steps(engine, new_run(tmp_path), 12)
    assert [step for step, row in rows if "smallest" in row] == [0, 5, 10]


def test_two_probes_cannot_have_one_name():
    class Other(Smallest):
        name = "accuracy"

    with pytest.raises(ValueError, match=r"^name: expected one that no other probe has, got accuracy$"):
        register_probe(Other)
