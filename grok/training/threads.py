"""How many threads a training takes: steps timed with several numbers of threads, and a watch over their rate."""

import math
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

Take = Callable[[int, int], bool]
"""Take so many steps with so many threads, as in `take(threads, steps)`; return False if there are no more steps."""

Clock = Callable[[], float]
"""A clock in seconds."""

SHORTEST = 20.0  # seconds on one thread: a shorter training is not timed, and takes one thread
BUDGET = 1.5  # seconds after which no round of timings begins
SAMPLE = 0.05  # seconds of one timing, which is longer than a turn of another program on a core
LONG = 0.2  # seconds of a step that is timed without another one before it
HOPELESS = 3.0  # times slower than the best in a timing that took long: not timed any longer
TIE = 1.05  # times slower than the best: as good, so that fewer threads win
CLEARLY = 1.3  # times faster: worth a change of the number of threads while a run trains
WINDOW = 5.0  # seconds over which a rate is taken
PATIENCE = 15.0  # seconds of less than half the rate until steps are timed again


@dataclass(frozen=True)
class Timings:
    """Seconds per step by number of threads, in ascending order; one number alone if steps were not timed further."""

    seconds: dict[int, float]
    untimed: str | None = None
    """Why steps were not timed with the other numbers of threads, or None if they were."""

    @property
    def best(self) -> int:
        """The smallest number of threads that is as fast as any, up to `TIE`."""
        fastest = min(self.seconds.values())
        return min(threads for threads, seconds in self.seconds.items() if seconds <= TIE * fastest)

    def slowdown(self, threads: int) -> float:
        """Return how many times slower this number of threads is than the best."""
        return self.seconds.get(threads, math.inf) / self.seconds[self.best]


def time_steps(counts: Sequence[int], take: Take, *, steps_left: int, clock: Clock = time.perf_counter) -> Timings:
    """Time steps with each number of threads in turn, and return the medians.

    This takes about `BUDGET` seconds. A training that would take less than `SHORTEST` with the first number of threads,
    or that has only a few steps, is not timed further and takes this number. One whose first step takes longer than
    `BUDGET` takes the largest number, since a timing would hold it up for long.
    """
    began = clock()
    samples: dict[int, list[float]] = {threads: [] for threads in counts}
    left, steps = list(counts), 1
    first, most = left[0], left[-1]
    few = f"only {steps_left} more {'step' if steps_left == 1 else 'steps'}"
    if steps_left <= 2 * len(counts):
        return Timings({first: 0.0}, untimed=few)
    take(first, 1)  # which allocates memory and loads kernels
    if (spent := clock() - began) > BUDGET:
        return Timings({most: spent}, untimed=f"a step takes up to {_duration(spent)}, too long to time others")
    while clock() - began < BUDGET or not all(samples.values()):
        for threads in list(left):
            earlier = samples[threads]
            taken = not earlier or min(earlier) > LONG or take(threads, 1)  # wakes the threads, and fills their caches
            started = clock()
            taken = taken and take(threads, steps)
            spent = clock() - started
            if not taken:
                ended = "it ends before others could be timed"
                return Timings({first: statistics.median(samples[first] or [0.0])}, untimed=ended)
            samples[threads].append(spent / steps)
            if spent / steps * steps_left < SHORTEST and threads == first:
                seconds = math.ceil(spent / steps * steps_left)
                return Timings(
                    {first: spent / steps}, untimed=f"at most {seconds} s of training, too short to time others"
                )
            best = min(statistics.median(each) for each in samples.values() if each)
            if spent > 2 * SAMPLE and spent / steps > HOPELESS * best:
                left.remove(threads)
        steps = max(1, round(SAMPLE / best))
    return Timings({threads: statistics.median(each) for threads, each in samples.items()})


class Pace:
    """Notices that a training has taken less than half of its rate for long."""

    def __init__(self, clock: Clock = time.monotonic) -> None:
        self._clock = clock
        self._patience = PATIENCE
        self.reset()

    def reset(self, *, in_vain: bool = False) -> None:
        """Take the rate from now on as the usual one; be twice as patient if timing the steps was `in_vain`."""
        self._began: tuple[float, int] | None = None
        self._usual = 0.0
        self._slow = 0.0
        if in_vain:
            self._patience *= 2

    def is_slow(self, step: int) -> bool:
        """Return whether steps up to this one were slow for long; it is asked after each block of steps."""
        now = self._clock()
        if self._began is None:
            self._began = now, step
        began, first = self._began
        if now - began < WINDOW:
            return False
        rate = (step - first) / (now - began)
        self._began = now, step
        self._slow = self._slow + now - began if rate < self._usual / 2 else 0.0
        self._usual = max(self._usual, rate)
        return self._slow >= self._patience


def in_words(timings: Timings, *, of: int) -> str:
    """Return the line that says which number of threads was chosen, `of` so many processors, and why.

    >>> in_words(Timings({1: 0.0161, 2: 0.074}), of=2)
    'threads: 1 of 2 processors (16.1 ms a step; 2 threads: 74 ms)'
    >>> in_words(Timings({1: 0.0021}, untimed="only 3 more steps"), of=2)
    'threads: 1 of 2 processors (only 3 more steps)'
    """
    best = timings.best
    if timings.untimed is not None:
        why = timings.untimed
    else:
        other = min(timings.seconds.keys() - {best}, key=lambda threads: timings.seconds[threads])
        name = "1 thread" if other == 1 else f"{other} threads"
        why = f"{_duration(timings.seconds[best])} a step; {name}: {_duration(timings.seconds[other])}"
    return f"threads: {best} of {of} processors ({why})"


def _duration(seconds: float) -> str:
    return f"{seconds * 1e3:.3g} ms" if seconds < 1 else f"{seconds:.3g} s"
