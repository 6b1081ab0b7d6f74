"""The rule finds a turn early, gives few false alarms, and does not look ahead."""

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grok.analysis.turning import MEASURES, Measure, Turn, find_turn, turns

AFTER = 140
DOWN = Measure("down", "linear", 0.03, "MIR")
NEVER = Turn(None, None)
SCHEDULES = {
    "every 10": np.arange(0, 10_001, 10),
    "every 1": np.arange(0, 10_001),
    "every 50": np.arange(0, 10_001, 50),
    "log-spaced": np.unique(np.geomspace(1, 10_000, 300).astype(int)),
}


def _find(steps, values, measure=DOWN, after=AFTER):
    return find_turn(pd.DataFrame({"step": steps, "x": values}), "x", measure, after=after)


def _fall(steps, *, start=1_000, slope=0.2):
    """Flat, then down by `slope` for each factor e in the step."""
    return 0.8 - slope * np.log(np.maximum(steps, start) / start)


def _slow_rule(steps, values, after):
    """The rule for `DOWN` as its docstring tells it, online, in plain loops; None or the pair."""
    bins: list[list[tuple[int, float]]] = []
    numbers: list[int] = []
    agreed = 0
    noises: list[float] = []
    for step, value in zip(steps, values, strict=True):
        if step < after or not math.isfinite(value):
            continue
        number = math.floor(math.log(step) / math.log(1.02))
        if numbers and numbers[-1] == number:
            bins[-1].append((step, value))
            continue
        levels = [float(np.median([value for _, value in each])) for each in bins]
        i = len(levels) - 1  # the bin that this measurement closes
        if i >= 25:
            bends = [abs(levels[j - 3] - 2 * levels[j] + levels[j + 3]) for j in range(i - 22, i - 3)]
            noises.append(1.4826 * float(np.median(bends)) / math.sqrt(2))
            noise, extreme = max(noises), max(levels)
            near = max(j for j in range(i + 1) if levels[j] >= extreme - 2 * noise)
            far = extreme - levels[i] > 0.03 + 5 * noise * math.sqrt(max(i - near, 3) / 3)
            agreed = agreed + 1 if far else 0
            if agreed == 3:
                return step, bins[near][-1][0]
        bins.append([(step, value)])
        numbers.append(number)
    return None, None


@given(
    seed=st.integers(0, 10_000),
    schedule=st.sampled_from(["every 10", "every 50", "log-spaced"]),
    noise=st.sampled_from([0.0, 0.001, 0.003]),
    slope=st.sampled_from([0.0, 0.1, 0.3]),
    gaps=st.booleans(),
)
@settings(max_examples=20)
def test_the_rule_is_the_one_that_its_docstring_tells(seed, schedule, noise, slope, gaps):
    rng, steps = np.random.default_rng(seed), SCHEDULES[schedule]
    values = _fall(steps, slope=slope) + noise * rng.standard_normal(len(steps))
    if gaps:
        values[rng.random(len(steps)) < 0.3] = np.nan
    assert _find(steps, values) == _slow_rule(steps, values, AFTER)


@pytest.mark.parametrize("steps", SCHEDULES.values(), ids=SCHEDULES)
@pytest.mark.parametrize(("noise", "latest"), [(0.0, 1_350), (0.001, 1_700)])
def test_a_known_turn_is_detected_soon_and_dated_where_it_was(steps, noise, latest):
    """0.03 is lost after 16 % of the step and three bins are 6 %; noise adds to it, and rare measurements."""
    noise_known = steps[steps >= AFTER][25 + 3]  # where a bin holds one measurement
    for seed in range(20):
        turn = _find(steps, _fall(steps) + noise * np.random.default_rng(seed).standard_normal(len(steps)))
        assert 1_220 < turn.detected <= max(latest, noise_known)
        assert 950 <= turn.onset <= 1_150


def test_a_sudden_fall_is_found_in_loud_noise():
    steps = SCHEDULES["every 10"]
    for seed in range(20):
        noise = 0.01 * np.random.default_rng(seed).standard_normal(len(steps))
        turn = _find(steps, np.where(steps < 2_000, 0.8, 0.5) + noise)
        assert 1_900 < turn.onset <= 2_010 < turn.detected < 2_200


def test_a_step_down_is_detected_three_bins_after_it():
    steps = np.arange(0, 5_000)
    turn = _find(steps, np.where(steps < 2_000, 0.8, 0.7))
    first = math.floor(math.log(2_000) / math.log(1.02)) + 1  # the first bin that lies below it
    assert turn == Turn(detected=math.ceil(1.02 ** (first + 3)), onset=math.ceil(1.02**first) - 1)


def test_a_turn_is_known_when_it_is_detected_and_not_before():
    steps = SCHEDULES["every 10"]
    values = _fall(steps) + 0.001 * np.random.default_rng(2).standard_normal(len(steps))
    whole = _find(steps, values)
    for length in range(len(steps) + 1):
        known = bool(length) and steps[length - 1] >= whole.detected
        assert _find(steps[:length], values[:length]) == (whole if known else NEVER)


@pytest.mark.parametrize("steps", SCHEDULES.values(), ids=SCHEDULES)
@pytest.mark.parametrize("size", [0.01, 1.0])
def test_what_only_wanders_seldom_turns(steps, size):
    """Of 100 records of each kind, seeds fixed: noise of one size, of growing and of shrinking size, a random walk."""

    def alarms(make):
        return sum(_find(steps, make(np.random.default_rng(seed))) != NEVER for seed in range(100))

    n = len(steps)
    assert alarms(lambda rng: size * rng.standard_normal(n)) == 0
    assert alarms(lambda rng: size * rng.standard_normal(n) * steps / 10_000) == 0
    assert alarms(lambda rng: size * rng.standard_normal(n) * np.where(steps < 1_000, 1, 0.1)) == 0
    assert alarms(lambda rng: size * rng.standard_normal(n).cumsum()) <= 3


def test_what_only_rises_never_turns_down_and_turns_up():
    steps = SCHEDULES["every 10"]
    assert _find(steps, -_fall(steps)) == NEVER
    assert _find(steps, -_fall(steps), DOWN._replace(direction="up")) == _find(steps, _fall(steps))


def test_a_spike_of_two_bins_is_no_turn():
    steps = SCHEDULES["every 10"]
    assert _find(steps, np.where((steps > 2_000) & (steps < 2_060), 0.2, 0.8)) == NEVER


def test_a_move_below_the_threshold_is_no_turn():
    steps = SCHEDULES["every 10"]
    assert _find(steps, np.where(steps < 2_000, 0.8, 0.771)) == NEVER
    assert _find(steps, np.where(steps < 2_000, 0.8, 0.769)) != NEVER


def test_a_logarithm_turns_at_the_same_step_whatever_the_unit_and_stands_zeros():
    steps = SCHEDULES["every 10"]
    measure = Measure("down", "log", 0.1, "loss")
    values = np.exp(_fall(steps))
    assert _find(steps, values, measure) == _find(steps, 1_000 * values, measure) != NEVER
    assert _find(steps, np.where(steps < 5_000, 1.0, 0.0), measure).onset in range(4_900, 5_000)


def test_what_came_before_memorisation_does_not_count():
    steps = SCHEDULES["every 10"]
    assert _find(steps, np.where(steps < 2_000, 0.9, 0.5), after=2_000) == NEVER


def test_too_little_after_memorisation_is_no_turn():
    steps = SCHEDULES["every 10"]
    assert _find(steps, _fall(steps), after=9_990) == NEVER
    assert _find(steps, _fall(steps), after=20_000) == NEVER
    assert _find(steps, np.full(len(steps), np.nan)) == NEVER


def test_unmeasured_steps_and_values_that_are_not_finite_are_passed_over():
    steps = SCHEDULES["every 10"]
    values = _fall(steps) + 0.001 * np.random.default_rng(3).standard_normal(len(steps))
    keep = np.random.default_rng(4).random(len(steps)) < 0.5
    broken = np.where(np.arange(len(steps)) % 3 == 0, np.inf, np.nan)
    assert _find(steps, np.where(keep, values, broken)) == _find(steps[keep], values[keep]) != NEVER


def test_the_measures_of_a_record_are_found_and_none_has_turned_without_memorisation():
    steps = SCHEDULES["every 10"]
    names = ["interplay/embedding/mir", "weight_norm"]
    metrics = pd.DataFrame({"step": steps} | {name: _fall(steps) for name in names} | {"unknown": 0.0})
    assert turns(metrics, AFTER) == {name: find_turn(metrics, name, MEASURES[name], after=AFTER) for name in names}
    assert turns(metrics, None) == dict.fromkeys(names, NEVER)
