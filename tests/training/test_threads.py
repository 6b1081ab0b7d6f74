"""The number of threads is chosen by the times of steps, and a fallen rate is noticed; all clocks are fake."""

import pytest

from grok.training.threads import BUDGET, PATIENCE, SAMPLE, SHORTEST, WINDOW, Pace, Timings, in_words, time_steps


class Machine:
    """A machine with a clock, on which a step takes a known time with each number of threads."""

    def __init__(self, seconds, *, cold=0.0, ends_after=None):
        self.now, self.taken, self.seconds, self.cold, self.ends_after = 100.0, [], seconds, cold, ends_after

    def clock(self):
        return self.now

    def take(self, threads, steps):
        self.now += steps * self.seconds[threads] + (0 if self.taken else self.cold)
        self.taken.append((threads, steps))
        return self.ends_after is None or sum(steps for _, steps in self.taken) <= self.ends_after

    def time(self, *, steps_left=100_000):
        return time_steps(list(self.seconds), self.take, steps_left=steps_left, clock=self.clock)

    @property
    def spent(self):
        return self.now - 100.0


@pytest.mark.parametrize(
    ("seconds", "best"),
    [
        ({1: 0.010, 2: 0.006}, 2),
        ({1: 0.010, 2: 0.0098}, 1),  # a tie: fewer threads
        ({1: 0.010, 2: 0.046}, 1),
        ({1: 0.010, 2: 0.300}, 1),
        ({1: 0.080, 2: 0.042, 4: 0.022, 8: 0.0215}, 4),
    ],
)
def test_the_fastest_number_of_threads_is_found_within_the_budget(seconds, best):
    machine = Machine(seconds, cold=0.5)
    timings = machine.time()
    assert timings.best == best
    assert timings.seconds == pytest.approx(seconds)  # the cold first step does not count
    assert machine.spent < BUDGET + len(seconds) * SAMPLE * 5


def test_numbers_take_turns_so_that_a_slow_moment_meets_all_of_them():
    machine = Machine({1: 0.010, 2: 0.006})
    machine.time()
    steps = round(SAMPLE / 0.006)
    assert machine.taken[:7] == [(1, 1), (1, 1), (2, 1), (1, 1), (1, steps), (2, 1), (2, steps)]


def test_a_single_slow_moment_decides_nothing():
    machine = Machine({1: 0.010, 2: 0.006})
    take = machine.take

    def disturbed(threads, steps):
        if len(machine.taken) in (2, 6):  # with 2 threads
            machine.now += 0.045
        return take(threads, steps)

    assert time_steps([1, 2], disturbed, steps_left=100_000, clock=machine.clock).best == 2


def test_a_hopeless_number_is_tried_once():
    machine = Machine({1: 0.010, 2: 0.300})
    machine.time()
    assert [steps for threads, steps in machine.taken if threads == 2] == [1]


def test_threads_that_have_slept_wake_before_they_are_timed():
    machine = Machine({1: 0.010, 2: 0.006})
    take = machine.take

    def waking(threads, steps):
        if threads == 2 and machine.taken[-1][0] != 2:
            machine.now += 0.020
        return take(threads, steps)

    timings = time_steps([1, 2], waking, steps_left=100_000, clock=machine.clock)
    assert timings.seconds[2] == pytest.approx(0.006)


def test_of_long_steps_each_number_takes_one_after_the_first():
    machine = Machine({1: 1.0, 2: 0.55})
    assert machine.time().best == 2
    assert machine.taken == [(1, 1), (1, 1), (2, 1)]


def test_steps_that_take_longer_than_the_budget_are_not_timed_and_take_all_processors():
    machine = Machine({1: 50.0, 2: 27.0, 4: 15.0})
    timings = machine.time()
    assert (timings.best, machine.taken) == (4, [(1, 1)])
    assert in_words(timings, of=4) == "threads: 4 of 4 processors (a step takes up to 50 s, too long to time others)"


@pytest.mark.parametrize(("steps_left", "words"), [(1, "only 1 more step"), (4, "only 4 more steps")])
def test_of_a_few_steps_none_is_timed(steps_left, words):
    machine = Machine({1: 8.0, 2: 5.0})
    timings = machine.time(steps_left=steps_left)
    assert (timings.best, machine.taken) == (1, [])
    assert in_words(timings, of=2) == f"threads: 1 of 2 processors ({words})"


def test_a_short_training_is_not_timed_and_takes_one_thread():
    machine = Machine({1: 0.010, 2: 0.006})
    timings = machine.time(steps_left=1_999)
    assert timings.untimed == f"at most {SHORTEST:.0f} s of training, too short to time others"
    assert (timings.best, machine.taken) == (1, [(1, 1), (1, 1)])
    assert Machine({1: 0.010, 2: 0.006}).time(steps_left=2_001).untimed is None


@pytest.mark.parametrize("steps", [0, 1, 2, 7])
def test_a_training_that_ends_while_it_is_timed_takes_one_thread(steps):
    timings = Machine({1: 0.010, 2: 0.006}, ends_after=steps).time()
    assert (timings.best, timings.untimed) == (1, "it ends before others could be timed")


def test_the_gain_of_a_change_is_the_ratio_of_times():
    timings = Timings({1: 0.010, 2: 0.052})
    assert (timings.slowdown(2), timings.slowdown(1)) == (pytest.approx(5.2), 1.0)


def test_the_line_names_the_choice_and_its_nearest_rival_within_80_columns():
    line = in_words(Timings({1: 0.0812, 2: 0.0431, 4: 0.0275, 8: 0.112, 64: 1.25}), of=64)
    assert line == "threads: 4 of 64 processors (27.5 ms a step; 2 threads: 43.1 ms)"
    assert in_words(Timings({1: 1.5, 2: 0.8}), of=2) == "threads: 2 of 2 processors (800 ms a step; 1 thread: 1.5 s)"
    longest = in_words(Timings({1: 0.0123}, untimed="at most 20 s of training, too short to time others"), of=64)
    assert len(longest) <= 80


def train(pace, clock, *, rate, seconds, step):
    """Train blocks of a second, and return the seconds after which the training was found slow, and the step."""
    for second in range(seconds):
        clock[0] += 1.0
        step += rate
        if pace.is_slow(step):
            return second + 1, step
    return None, step


@pytest.mark.parametrize(("rate", "found"), [(100, False), (60, False), (40, True), (3, True)])
def test_a_training_at_less_than_half_of_its_rate_for_long_is_slow(rate, found):
    clock = [0.0]
    pace = Pace(lambda: clock[0])
    _, step = train(pace, clock, rate=100, seconds=20, step=0)
    after, _ = train(pace, clock, rate=rate, seconds=60, step=step)
    assert (after is not None) == found
    assert not found or PATIENCE <= after <= PATIENCE + 2 * WINDOW


def test_a_short_pause_is_not_slow():
    clock = [0.0]
    pace = Pace(lambda: clock[0])
    _, step = train(pace, clock, rate=100, seconds=20, step=0)
    for _ in range(5):
        found, step = train(pace, clock, rate=10, seconds=8, step=step)
        assert found is None
        found, step = train(pace, clock, rate=100, seconds=12, step=step)
        assert found is None


def test_after_a_look_in_vain_the_slow_rate_is_the_usual_one_and_patience_doubles():
    clock = [0.0]
    pace = Pace(lambda: clock[0])
    _, step = train(pace, clock, rate=100, seconds=20, step=0)
    _, step = train(pace, clock, rate=40, seconds=60, step=step)
    pace.reset(in_vain=True)
    found, step = train(pace, clock, rate=40, seconds=300, step=step)
    assert found is None
    found, _ = train(pace, clock, rate=10, seconds=300, step=step)
    assert 2 * PATIENCE <= found <= 2 * PATIENCE + 2 * WINDOW
