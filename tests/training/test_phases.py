"""Phases follow each other, each with its own learning rate, and a run ends by its rule."""

import math

import pytest

from grok.config import OptimiserConfig, ProbesConfig, Schedule
from grok.training.engine import Engine
from grok.training.learning_rate import LearningRateSchedule
from grok.training.phases import Phase, Phases, Settle
from grok.training.recorder import Recorder
from tests.helpers import new_run, small_member

CONSTANT = LearningRateSchedule(rate=2.0)
COSINE = LearningRateSchedule(rate=2.0, decay="cosine")


def test_a_step_is_in_the_last_phase_that_has_begun():
    first, second = Phase(steps=3, learning_rate=CONSTANT), Phase(steps=2, learning_rate=COSINE)
    phases = Phases([first, second])
    assert [phases.at(step) for step in (0, 2, 3, 4, 5, 99)] == [(first, 0)] * 2 + [(second, 3)] * 4
    assert [phases.begins(step) for step in range(5)] == [first, None, None, second, None]
    assert [phases.later(step) for step in (0, 2, 3, 4)] == [[3], [3], [], []]


def test_the_rates_of_any_steps_are_those_of_the_whole_phase():
    phase = Phase(steps=40, learning_rate=COSINE)
    whole = phase.rates(0, 40).tolist()
    assert whole == pytest.approx([1 + math.cos(math.pi * step / 40) for step in range(40)])
    assert phase.rates(17, 5).tolist() == whole[17:22]


def test_steps_without_an_update_have_no_rate_and_decay_goes_over_the_others():
    phase = Phase(steps=6, updates=4, learning_rate=COSINE)
    assert phase.rates(0, 6).tolist() == pytest.approx([2.0, 1 + math.sqrt(0.5), 1.0, 1 - math.sqrt(0.5), 0.0, 0.0])
    assert Phase(steps=1, updates=0, learning_rate=CONSTANT).rates(0, 1).tolist() == [0.0]


def trained(root, phases, **settings):
    """The rows of a small network that trains in these phases, and its member."""
    member = small_member(steps=sum(phase.steps for phase in phases), optimiser=OptimiserConfig(), **settings)
    member = type(member)(**(vars(member) | {"phases": Phases(phases)}))
    rows = []
    Engine([member]).run([Recorder(new_run(root))], on_block=lambda measured: rows.extend(measured[0].rows()))
    return dict(rows)


def test_the_engine_enters_each_phase_once_before_its_first_step_and_measures_when_it_says(tmp_path):
    entered = []
    phases = [
        Phase(steps=3, learning_rate=CONSTANT, enter=lambda: entered.append(0), without=("norms",)),
        Phase(steps=60, learning_rate=CONSTANT, updates=0, enter=lambda: entered.append(1), measured=(0, 1, 59)),
    ]
    off = dict.fromkeys(ProbesConfig.names(), "off")
    rows = trained(tmp_path, phases, **off | {"accuracy": "every:2", "norms": "every:50"})
    assert entered == [0, 1]
    assert [step for step, row in rows.items() if "test/accuracy" in row] == sorted({*range(0, 64, 2), 3, 4, 62, 63})
    assert [step for step, row in rows.items() if "weight_norm" in row] == [3, 4, 50, 62, 63]
    assert len({row["weight_norm"] for row in rows.values() if "weight_norm" in row}) == 1  # no update
    assert rows[0]["train/loss"] != rows[2]["train/loss"]


@pytest.mark.parametrize(
    ("schedule", "due"), [("every:10", [0, 10, 20, 25, 35, 45]), ("log:1", [0, 1, 10, 25, 26, 35])]
)
def test_a_phase_with_its_own_schedule_is_measured_as_if_it_were_the_first(tmp_path, schedule, due):
    phases = [
        Phase(steps=25, learning_rate=CONSTANT, updates=0),
        Phase(steps=25, learning_rate=CONSTANT, updates=0, own_schedule=True),
    ]
    rows = trained(tmp_path, phases, accuracy=schedule)
    assert [step for step, row in rows.items() if "test/accuracy" in row] == [*due, 50]


def settle_after(accuracies, *, steps=1000, settle=100):
    rule = Settle(steps=steps, settle=settle)
    for step, accuracy in accuracies.items():
        rule.update(step, accuracy)
    return rule.last_step


@pytest.mark.parametrize(
    ("accuracies", "last"),
    [
        ({}, 1000),
        ({0: 0.1, 10: 0.989}, 1000),
        ({10: 0.99, 20: 1.0}, 110),
        ({10: 0.99, 20: 0.98, 30: 0.99}, 130),
        ({10: 0.99, 20: 0.98}, 1000),
        ({950: 1.0}, 1000),
    ],
    ids=["nothing known", "not yet", "reached", "reached again", "lost", "too late"],
)
def test_the_last_step_follows_test_accuracy(accuracies, last):
    assert settle_after(accuracies) == last


def test_without_settle_a_run_takes_all_its_steps():
    assert settle_after({0: 1.0}, settle=None) == 1000


@pytest.mark.parametrize(
    ("settle", "delay", "every"), [(20, 1, 20), (500, 1, 50), (None, 1, 50), (60, 2, 30), (3, 2, 1), (500, 2, 50)]
)
def test_the_end_is_looked_for_often_enough_not_to_pass_it(settle, delay, every):
    rule = Settle(steps=1000, settle=settle)
    assert rule.allows(delay)
    assert rule.look_every(50, delay=delay) == every


def test_no_spacing_sees_an_end_after_one_step_with_a_delay_of_two():
    assert not Settle(steps=1000, settle=1).allows(2)


@pytest.mark.parametrize(("schedule", "most"), [("every:10", lambda step: 9), ("log:100", lambda step: 0.0236 * step)])
def test_a_run_ends_later_by_at_most_the_distance_between_two_accuracies(schedule, most):
    due = [step for step in range(12_000) if Schedule.parse(schedule).is_due(step)]
    for reached in range(60, 9_000, 13):
        settle = Settle(steps=20_000, settle=2_000)
        for step in due:
            settle.update(step, 1.0 if step >= reached else 0.5)
        assert 0 <= settle.last_step - (reached + 2_000) <= max(1, most(reached))
