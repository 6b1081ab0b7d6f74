"""Chooses the number of threads of a training on a CPU, at its start and when it has become slow."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, NamedTuple

import torch

from grok.processors import most_threads, processors, thread_counts
from grok.tracking import Run
from grok.training.engine import Engine, TrainingError
from grok.training.recorder import Recorder
from grok.training.step import Member
from grok.training.threads import CLEARLY, Pace, Timings, in_words, time_steps

Threads = int | Literal["auto"] | None
"""A number of threads; auto for the fastest, found by timing steps; or None for no choice."""


class Copies(NamedTuple):
    """Copies of the members that train, which may be trained and thrown away."""

    members: list[Member]
    step: int
    """The step at which they stand."""


Say = Callable[[str], None]
"""Shows a line to the user."""


class _Unrecorded(Recorder):
    """A recorder of copies, which keeps nothing."""

    def __init__(self) -> None:
        pass

    def record(self, measurements: object) -> None:
        """Drop the measurements, since the copies are thrown away."""


class _Trial:
    """Copies of members that take steps only to be timed, with all measurements that are due."""

    def __init__(self, members: Sequence[Member], step: int) -> None:
        self._engine = Engine(members, first_step=step)
        self._recorders = [_Unrecorded() for _ in members]
        self.steps_left = max(member.settle.last_step for member in members) - step

    def take(self, threads: int, steps: int) -> bool:
        """Take so many steps with so many threads; return False if the copies have ended or diverged."""
        torch.set_num_threads(threads)
        end = self._engine.step + steps
        try:
            return not self._engine.run(self._recorders, interrupted=lambda: self._engine.step >= end)
        except TrainingError:
            return False


def _time(copies: Copies, counts: Sequence[int]) -> Timings:
    """Time steps of copies with these numbers of threads; torch keeps its own number of threads."""
    before = torch.get_num_threads()
    try:
        trial = _Trial(copies.members, copies.step)
        return time_steps(counts, trial.take, steps_left=trial.steps_left)
    finally:
        torch.set_num_threads(before)


def fastest(make_copies: Callable[[], Copies], say: Say) -> int:
    """Return the number of threads with which steps are fastest, and say it in one line if there is a choice.

    The largest number that is tried is that of the processors that the process may have, or OMP_NUM_THREADS if that is
    smaller.
    """
    counts = thread_counts(most_threads())
    if len(counts) == 1:
        return counts[0]
    timings = _time(make_copies(), counts)
    say(in_words(timings, of=processors()))
    return timings.best


def advise(make_copies: Callable[[], Copies], threads: int, say: Say) -> None:
    """Say in one line if another number of threads is clearly faster than the recorded one."""
    counts = sorted({*thread_counts(most_threads()), threads})
    if len(counts) == 1:
        return
    timings = _time(make_copies(), counts)
    if timings.untimed is None and timings.slowdown(threads) >= CLEARLY:
        gain = f"{timings.slowdown(threads):.1f} times as fast"
        say(f"threads: {threads}, as recorded; --threads {timings.best} is {gain} (equal up to rounding)")


class Watch:
    """Watches the rate of a training, and finds a faster number of threads if it has fallen by half for long."""

    def __init__(self, make_copies: Callable[[Sequence[Run]], Copies | None], pace: Pace | None = None) -> None:
        """Watch with a function that makes copies of the members of runs from their last save, if there is memory."""
        self._make_copies = make_copies
        self._pace = pace or Pace()

    def is_slow(self, step: int) -> bool:
        """Return whether it is time to look for another number of threads, after the block that ends at this step."""
        return len(thread_counts(most_threads())) > 1 and self._pace.is_slow(step)

    def faster(self, runs: Sequence[Run], step: int, say: Say) -> int | None:
        """Return a clearly faster number of threads than the current one and say so, or return None.

        The runs must have been saved at this step.
        """
        threads = torch.get_num_threads()
        copies = self._make_copies(runs)
        timings = _time(copies, sorted({*thread_counts(most_threads()), threads})) if copies else None
        if timings is None or timings.untimed is not None or timings.slowdown(threads) < CLEARLY:
            self._pace.reset(in_vain=True)
            return None
        self._pace.reset(in_vain=False)
        gain = f"{timings.slowdown(threads):.1f} times as fast"
        say(f"threads: {timings.best} from step {step:,} on, {gain} as {threads} now")
        return timings.best


def threads_at(manifest: Mapping[str, Any], step: int) -> int:
    """Return the number of threads with which a run took the update after `step`."""
    changes = manifest.get("threads_by_step", [[0, manifest["threads"]]])
    return [threads for first, threads in changes if first <= step][-1]


def record_threads(run: Run, step: int, threads: int) -> None:
    """Record that a run takes its updates from `step` on with this number of threads.

    The field `threads` of run.json is the newest number. After a change `threads_by_step` lists the first steps of all
    numbers with them.
    """
    manifest = run.manifest()
    changes = manifest.get("threads_by_step", [[0, manifest["threads"]]])
    changes = [[first, earlier] for first, earlier in changes if first < step]
    if not changes or changes[-1][1] != threads:
        changes.append([step, threads])
    fields = {"threads": threads, "threads_by_step": changes if len(changes) > 1 else None}
    if any(manifest.get(name) != value for name, value in fields.items()):
        run.update(**fields)
