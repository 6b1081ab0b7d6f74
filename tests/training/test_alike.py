"""Members that a stack would train or measure by the settings of another member are rejected."""

import dataclasses

import pytest
import torch

from grok.config import InformationTermConfig, OptimiserConfig, Schedule
from grok.experiment import experiment
from grok.tasks import operation_task
from grok.training.engine import Engine
from grok.training.learner import Learner
from grok.training.learning_rate import LearningRateSchedule
from grok.training.phases import Phase, Phases
from grok.training.probes import Probe
from tests.experiments.images import FOLDER, SIGNALS, semi_supervised_config, supervised_config
from tests.helpers import CPU, small_config, small_member, small_model

RATE = LearningRateSchedule(rate=1e-3)


def grokking(*, task=None, probes=None, seed=0, **settings):
    config = small_config(spectrum="every:10", swapped="every:10")
    parts = {
        "task": dataclasses.replace(config.task, **task or {}),
        "probes": dataclasses.replace(config.probes, **probes or {}),
    }
    return experiment("grokking").build(dataclasses.replace(config, **parts | settings), seed, CPU)


def supervised(*, seed=0, **settings):
    return experiment("supervised").build(supervised_config(SIGNALS, **settings), seed, CPU, FOLDER)


def semi_supervised(**settings):
    return experiment("semi-supervised").build(semi_supervised_config(**settings), 0, CPU, FOLDER)


def in_phases(*, first=10, **second):
    """A small member with two phases, the second of which starts at step `first`."""
    phases = Phases([Phase(steps=first, learning_rate=RATE), Phase(steps=10, learning_rate=RATE, **second)])
    return dataclasses.replace(small_member(), phases=phases)


def changed(change):
    """A small member whose network or probes are changed afterwards."""
    small = small_member()
    change(small.learner)
    return small


class Custom(Probe):
    """A probe from outside the package."""

    name = "custom"

    def __init__(self, *, factor=1.0, offset=0.0, basis=0.0, change=abs):
        super().__init__(Schedule.parse("every:1"))
        self.factors = {"all": [factor]}
        self.offset = torch.tensor(offset)
        self.change = change
        self.register_buffer("basis", torch.tensor(basis))

    def observe(self, snapshot):
        return {"norm": snapshot.model.head.weight.norm()}

    def evaluate(self, observed):
        return {"custom": self.change(self.factors["all"][0] * observed["norm"] + self.offset) + self.basis}


def custom(**settings):
    small, task = small_member(), operation_task(small_config().task, 0)
    model, objective = small.learner.model, small.learner.objective
    learner = Learner(task=task, model=model, objective=objective, probes=[Custom(**settings)])
    return dataclasses.replace(small, learner=learner)


def with_term(term):
    return lambda: supervised(information=InformationTermConfig(term=term, weight=0.1))


PROBES = r"member\.learner\._probes"
UNLIKE = {
    "cycle": (
        grokking,
        lambda: grokking(task={"operation": "multiply"}),
        rf"{PROBES}\.fourier\._cycle_length to be the same in all, got 11 in member 0 and 10 in member 1",
    ),
    "heads": (
        small_member,
        lambda: small_member(model=dataclasses.replace(small_model(), num_heads=4, d_head=4)),
        r"member\.learner\.model\.num_heads to be the same in all, got 2 in member 0 and 4 in member 1",
    ),
    "layers": (
        small_member,
        lambda: small_member(model=small_model(num_layers=2)),
        r"the type of member\.learner\.model .*Transformer'> in member 0 and .*DeepTransformer'> in member 1",
    ),
    "precision": (
        supervised,
        lambda: supervised(precision="bfloat16"),
        r"member\.learner\._autocast .* None in member 0 and torch\.bfloat16 in member 1",
    ),
    "augmentation": (
        supervised,
        lambda: supervised(task=dataclasses.replace(SIGNALS["task"], augmentation="shift-scale")),
        r"the type of member\.learner\.objective\.batches\._views\.0 .*AsTheyAre.*ShiftAndScale",
    ),
    "smoothing": (
        supervised,
        lambda: supervised(label_smoothing=0.1),
        r"member\..*\.criterion\.keywords\.label_smoothing .* 0\.0 in member 0 and 0\.1 in member 1",
    ),
    "term": (
        with_term("mir"),
        with_term("hdr"),
        r"member\.learner\.objective\.term\.kind .* 'mir' in member 0 and 'hdr' in member 1",
    ),
    "thresholds": (
        semi_supervised,
        lambda: semi_supervised(threshold_decay=0.9),
        r"member\.learner\.objective\.thresholds\._decay .* and 0\.9 in member 1",
    ),
    "weight of a loss": (
        semi_supervised,
        lambda: semi_supervised(unlabelled_weight=3.0),
        r"member\.learner\.objective\._unlabelled_weight .* and 3\.0 in member 1",
    ),
    "loss": (
        grokking,
        lambda: grokking(loss="stablemax"),
        r"member\.learner\.objective\.criterion\.func .*<function cross_entropy .*<function stablemax_cross_entropy",
    ),
    "precision of the loss": (
        grokking,
        lambda: grokking(loss_dtype="float32"),
        r"member\.learner\.objective\.criterion\.keywords\.dtype .*torch\.float64.*torch\.float32",
    ),
    "sample size": (
        grokking,
        lambda: grokking(probes={"sample_size": 16}),
        rf"the form of {PROBES}\.sample\.train_chosen .*\(32,\)' in member 0 and .*\(16,\)' in member 1",
    ),
    "sample sizes": (
        lambda: grokking(probes={"sample_sizes": "every:10"}),
        lambda: grokking(probes={"sample_sizes": "every:10"}, task={"train_fraction": 0.6}),
        rf"the form of {PROBES}\.sample_sizes\.order .*\(61,\)' in member 0 and .*\(48,\)' in member 1",
    ),
    "schedule": (
        lambda: small_member(accuracy="every:10"),
        lambda: small_member(accuracy="every:20"),
        rf"{PROBES}\.accuracy\.schedule\.number to be the same in all, got 10 in member 0 and 20 in member 1",
    ),
    "kind of schedule": (
        lambda: small_member(accuracy="every:10"),
        lambda: small_member(accuracy="log:10"),
        rf"{PROBES}\.accuracy\.schedule\.kind .* 'every' in member 0 and 'log' in member 1",
    ),
    "probes": (
        lambda: small_member(norms="off"),
        small_member,
        rf"the keys of {PROBES} to be the same in all, got \['accuracy', .* and \['accuracy', 'norms', ",
    ),
    "boundaries": (
        lambda: in_phases(first=10),
        lambda: in_phases(first=12),
        r"the keys of member\.phases\.by_first_step .* \[0, 10\] in member 0 and \[0, 12\] in member 1",
    ),
    "measured in full": (
        lambda: in_phases(measured=(3, 4)),
        lambda: in_phases(measured=(3, 5)),
        r"member\.phases\.by_first_step\.10\.measured\.1 .* 4 in member 0 and 5 in member 1",
    ),
    "left out": (
        lambda: in_phases(without=("norms",)),
        in_phases,
        r"the keys of member\.phases\.by_first_step\.10\.without .* \[0\] in member 0 and \[\] in member 1",
    ),
    "own schedule": (
        in_phases,
        lambda: in_phases(own_schedule=True),
        r"member\.phases\.by_first_step\.10\.own_schedule .* False in member 0 and True in member 1",
    ),
    "frozen": (
        small_member,
        lambda: changed(lambda learner: learner.model.positions.requires_grad_(False)),
        r"the form of member\.learner\.model\.positions .*, trained' in member 0",
    ),
    "attribute from outside": (custom, lambda: custom(factor=2.0), rf"{PROBES}\.custom\.factors\.all\.0 .*1\.0.*2\.0"),
    "tensor from outside": (
        custom,
        lambda: custom(offset=2.0),
        rf"the values of {PROBES}\.custom\.offset .*0\.0.*2\.0",
    ),
    "buffer from outside": (custom, lambda: custom(basis=2.0), rf"the values of {PROBES}\.custom\.basis .*0\.0.*2\.0"),
    "function": (
        lambda: custom(change=lambda value: value),
        custom,
        rf"{PROBES}\.custom\.change .*<lambda>.* <built-in function abs>",
    ),
}


@pytest.mark.parametrize(("first", "second", "message"), UNLIKE.values(), ids=UNLIKE)
def test_members_that_a_stack_would_train_or_measure_by_the_settings_of_another_are_rejected(first, second, message):
    """Members that differ are rejected in either order, although each can train alone."""
    with pytest.raises(ValueError, match=f"^members: expected {message}"):
        Engine([first(), second()])
    with pytest.raises(ValueError, match=r"^members: expected .* in member 2 \(train them separately\)$"):
        Engine([second(), second(), first()])


def test_members_may_differ_in_length_rates_data_and_what_a_phase_does():
    phases = Phases([Phase(steps=10, learning_rate=RATE), Phase(steps=99, learning_rate=RATE, updates=3, order=2)])
    others = [dataclasses.replace(small_member(seed=1), phases=phases), in_phases()]
    assert Engine([in_phases(), *others]).active == [0, 1, 2]


@pytest.mark.parametrize(
    "other",
    [{"task": {"train_fraction": 0.7}, "seed": 3}, {"optimiser": OptimiserConfig(rule="sgd")}, {"steps": 7}],
    ids=["split and seed", "rule", "length"],
)
def test_members_may_differ_in_split_seed_rule_and_length(other):
    assert Engine([grokking(), grokking(**other)]).active == [0, 1]


def test_members_may_differ_in_the_size_of_their_information_loss():
    weights = [supervised(information=InformationTermConfig(term="mir", weight=weight)) for weight in (0.1, 0.2)]
    assert Engine(weights).active == [0, 1]


def test_stacks_of_custom_probes_are_accepted():
    assert Engine([custom(factor=2.0, offset=1.0), custom(factor=2.0, offset=1.0)]).active == [0, 1]
