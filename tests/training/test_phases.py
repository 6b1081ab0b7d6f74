"""Phases follow each other, each with its own rates."""

import pytest

from grok.config import OptimiserConfig
from grok.training.phases import Phase, Phases

RATE = OptimiserConfig(learning_rate=2.0, warmup_steps=0)


def phase(steps, **settings):
    return Phase(**{"steps": steps, "optimiser": RATE} | settings)


def test_a_step_is_in_the_phase_that_began_last():
    first, second = phase(3), phase(2)
    phases = Phases([first, second])
    assert [phases.at(step) for step in (0, 2, 3, 9)] == [(first, 0), (first, 0), (second, 3), (second, 3)]
    assert [phases.begins(step) for step in (0, 1, 3, 5)] == [first, None, second, None]
    assert [phases.later(step) for step in (0, 2, 3)] == [[3], [3], []]


def test_a_phase_of_no_steps_is_passed_over():
    second = phase(2)
    assert Phases([phase(0), second]).at(0) == (second, 0)


def test_steps_past_the_updates_have_rate_0():
    assert phase(4).rates(0, 4).tolist() == [2.0] * 4
    assert phase(4, updates=3).rates(1, 3).tolist() == [2.0, 2.0, 0.0]
    assert phase(1, updates=0).rates(0, 1).tolist() == [0.0]


def test_cosine_decay_is_over_the_updates_of_the_phase():
    cosine = OptimiserConfig(learning_rate=2.0, warmup_steps=0, decay="cosine")
    assert phase(3, updates=2, optimiser=cosine).rates(0, 3).tolist() == pytest.approx([2.0, 1.0, 0.0])
