"""Settings of the measurements: which probes measure, and at which steps."""

import itertools

import pytest

from grok.config import ClassifierProbesConfig, ConfigError, ProbesConfig, Schedule


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


@pytest.mark.parametrize("text", ["log:100", "log:50"])
def test_a_default_schedule_is_dense_at_first_and_then_has_a_constant_number_of_steps_a_decade(text):
    schedule = Schedule.parse(text)
    due = [step for step in range(10_001) if schedule.is_due(step)]
    dense = schedule.number // 2
    assert due[: dense + 1] == list(range(dense + 1))
    later = [(before, after - before) for before, after in itertools.pairwise(due) if before > dense]
    factor = 10 ** (1 / schedule.number) - 1
    assert all(abs(gap - before * factor) < 1.6 for before, gap in later)


@pytest.mark.parametrize(("sparse", "dense"), [("log:50", "log:100"), ("log:100", "log:500"), ("log:7", "log:21")])
def test_the_steps_of_a_schedule_are_among_those_of_one_with_a_multiple_of_its_number(sparse, dense):
    few, many = Schedule.parse(sparse), Schedule.parse(dense)
    assert all(many.is_due(step) for step in range(50_000) if few.is_due(step))


def test_the_default_schedules_are_nested():
    config = ProbesConfig()
    due = {
        frozenset(step for step in range(20_000) if config.schedule(name).is_due(step))
        for name in config.names()
        if config.schedule(name).kind != "off"
    }
    sets = sorted(due, key=len)
    assert len(sets) == 3
    assert sets[0] < sets[1] < sets[2]


def test_a_kind_that_there_is_not_is_rejected():
    with pytest.raises(ConfigError, match=r"^schedule.kind: expected one of every, log, off, got evry; did you mean"):
        Schedule(kind="evry")


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: ProbesConfig(norms="sometimes"), "probes.norms: expected every:K, log:N or off, .* got sometimes"),
        (lambda: ProbesConfig(sample="every:0"), "probes.sample: expected every:K, log:N or off"),
        (lambda: ProbesConfig(rank=50), "^probes.rank: expected a string, got 50$"),
        (lambda: ProbesConfig(sample_size=1), "probes.sample_size: expected an integer of at least 2, got 1"),
    ],
)
def test_a_setting_that_cannot_be_is_named_with_what_was_expected(make, message):
    with pytest.raises(ConfigError, match=message):
        make()


def test_every_probe_has_a_schedule():
    assert "accuracy" in ProbesConfig.names()
    assert "sample_size" not in ProbesConfig.names()
    assert all(ProbesConfig().schedule(name).kind in ("every", "log", "off") for name in ProbesConfig.names())


def test_any_classifier_has_the_probes_that_need_no_embedding_with_the_same_defaults():
    names = ClassifierProbesConfig.names()
    assert set(ProbesConfig.names()) - set(names) == {"embedding", "fourier", "neurons", "spectrum", "swapped"}
    of_tokens = ProbesConfig()
    assert {name: getattr(ClassifierProbesConfig(), name) for name in names} == {
        name: getattr(of_tokens, name) for name in names
    }


def test_only_those_that_are_named_are_on():
    measured = ClassifierProbesConfig.only(norms="log:5")
    assert type(measured) is ClassifierProbesConfig
    assert [name for name in measured.names() if measured.schedule(name).kind != "off"] == ["norms"]
