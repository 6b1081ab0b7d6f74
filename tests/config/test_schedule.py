"""A schedule is due at its steps."""

import pytest

from grok.config import ConfigError, Schedule


@pytest.mark.parametrize(
    ("text", "due"),
    [("every:10", [0, 10, 20, 30, 40]), ("log:2", [0, 1, 3, 10, 32]), ("off", []), ("every:25", [0, 25])],
)
def test_a_schedule_is_due_at_its_steps(text, due):
    schedule = Schedule.parse(text)
    assert [step for step in range(45) if schedule.is_due(step)] == due


def test_a_log_schedule_has_its_number_of_steps_a_decade():
    schedule = Schedule.parse("log:20")
    assert sum(schedule.is_due(step) for step in range(1000, 10_000)) == 20


@pytest.mark.parametrize("text", ["every:7", "log:1", "log:20", "log:300", "off"])
def test_no_steps_in_a_row_have_more_measurements_than_the_most_and_some_have_as_many(text):
    schedule = Schedule.parse(text)
    due = [schedule.is_due(step) for step in range(2000)]
    for steps in (1, 2, 50):
        counts = [sum(due[first : first + steps]) for first in range(2000 - steps)]
        assert schedule.most_due(steps) == max(counts)


def test_a_kind_that_there_is_not_is_rejected():
    with pytest.raises(ConfigError, match=r"^schedule.kind: expected one of every, log, off, got evry; did you mean"):
        Schedule(kind="evry")
