"""The learning rate warms up and decays per member, and continues correctly in a resumed run."""

import math

import pytest
import torch

from grok.config import OptimiserConfig
from grok.training.learning_rate import LearningRates, LearningRateSchedule
from tests.helpers import CPU


def rates(schedule, steps, *, first=0, total=100):
    return schedule.rates(torch.arange(first, first + steps), total=total).tolist()


def test_the_warm_up_is_linear_and_the_full_rate_follows():
    assert rates(LearningRateSchedule(rate=4.0, warmup_steps=4), 5) == [1.0, 2.0, 3.0, 4.0, 4.0]


def test_without_warm_up_the_first_update_has_the_full_rate():
    assert rates(LearningRateSchedule(rate=0.5), 1) == [0.5]


def test_a_resumed_warm_up_goes_on():
    schedule = LearningRateSchedule(rate=1.0, warmup_steps=10)
    assert rates(schedule, 3, first=7) == rates(schedule, 10)[7:] == [pytest.approx(0.8), pytest.approx(0.9), 1.0]


def test_cosine_decay_goes_from_the_full_rate_to_nothing_and_joins_the_warm_up():
    schedule = LearningRateSchedule(rate=2.0, decay="cosine")
    assert rates(schedule, 5, total=4) == pytest.approx([2.0, 1 + math.sqrt(0.5), 1.0, 1 - math.sqrt(0.5), 0.0])
    warmed_up = LearningRateSchedule(rate=2.0, warmup_steps=2, decay="cosine")
    assert rates(warmed_up, 2, total=4) == pytest.approx([1.0, 1 + math.sqrt(0.5)])


def test_cosine_7_16_goes_from_the_full_rate_to_a_fifth_and_joins_the_warm_up():
    schedule = LearningRateSchedule(rate=2.0, decay="cosine-7/16")
    # cos(7 pi t / 16 T) at t / T = 0, 1/7, 4/7, 1: of 0, pi/16, pi/4 and 7 pi/16
    expected = [2.0, 2 * 0.9807852804032304, math.sqrt(2), 2 * 0.19509032201612828]
    assert [rates(schedule, 8, total=7)[step] for step in (0, 1, 4, 7)] == pytest.approx(expected, rel=1e-12)
    warmed_up = LearningRateSchedule(rate=2.0, warmup_steps=2, decay="cosine-7/16")
    assert rates(warmed_up, 2, total=7) == pytest.approx([1.0, expected[1]])
    assert rates(schedule, 3, first=4, total=7) == rates(schedule, 7, total=7)[4:]


def test_a_schedule_is_what_the_settings_of_an_optimiser_say_of_the_rate():
    config = OptimiserConfig(rule="sgd", learning_rate=0.03, weight_decay=5e-4, warmup_steps=3, decay="cosine")
    expected = LearningRateSchedule(rate=0.03, warmup_steps=3, decay="cosine")
    assert LearningRateSchedule.of(config) == expected


def test_a_decay_that_is_not_known_is_rejected():
    message = r"^decay: expected one of constant, cosine, cosine-7/16, got 'linear'$"
    with pytest.raises(ValueError, match=message):
        LearningRateSchedule(rate=1.0, decay="linear")


def test_each_update_of_a_block_has_its_rate_in_float64_and_each_member_its_own():
    schedule = LearningRates(2, block=3, device=CPU)
    upcoming = [torch.tensor([0.1, 0.2], dtype=torch.float64), torch.tensor([1.0, 2.0], dtype=torch.float64)]
    for _ in range(2):  # a block after another begins at its own first
        schedule.prepare(upcoming)
        found = []
        for _ in range(2):
            schedule.advance()
            found.append(schedule.now.tolist())
        assert found == [[0.1, 1.0], [0.2, 2.0]]
