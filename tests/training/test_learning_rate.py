"""The learning rate warms up member by member, and goes on where a resumed run stands."""

import pytest

from grok.config import OptimiserConfig
from grok.training.learning_rate import LearningRates
from tests.helpers import CPU


def rates(configs, steps, *, first=0):
    schedule = LearningRates(configs, first, CPU)
    found = []
    for _ in range(steps):
        schedule.advance()
        found.append(schedule.now.tolist())
    return found


def test_each_member_has_its_own_rate_and_warm_up():
    configs = [OptimiserConfig(learning_rate=1e-3, warmup_steps=2), OptimiserConfig(learning_rate=4.0, warmup_steps=4)]
    assert rates(configs, 5) == [[0.5e-3, 1.0], [1e-3, 2.0], [1e-3, 3.0], [1e-3, 4.0], [1e-3, 4.0]]


def test_without_warm_up_the_first_update_has_the_full_rate():
    assert rates([OptimiserConfig(learning_rate=0.5, warmup_steps=0)], 1) == [[0.5]]


def test_a_resumed_warm_up_goes_on():
    configs = [OptimiserConfig(learning_rate=1.0, warmup_steps=10)]
    assert rates(configs, 3, first=7) == rates(configs, 10)[7:] == [[pytest.approx(0.8)], [pytest.approx(0.9)], [1.0]]
