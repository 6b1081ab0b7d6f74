"""Many runs of one experiment: finished runs are kept, unfinished ones resume, and the others train in stacks."""

import sys
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from grok.experiment import Experiment
from grok.experiments.driving import Setup, Stop
from grok.experiments.runner import find_existing, has_ended, resume, start
from grok.tracking import Run

T = TypeVar("T")


def train_many(
    experiment: Experiment,
    wanted: Sequence[tuple[Any, int]],
    setup: Setup,
    *,
    together: int,
    again: bool = False,
    stop: Stop | None = None,
) -> tuple[list[Run], bool]:
    """Bring every config and seed to a finished run, with at most `together` runs as one batched model.

    `stop` works as in `drive`. A run whose loss diverges is recorded as failed and not repeated; the others continue.

    Returns: the started runs in the order of `wanted`, and False if they were interrupted.

    Raises:
        ConfigError: if the data of a seed make a config impossible or are not available; no run has started.
        RunExistsError, RunInUseError: if another process trains one of the runs, or has trained it in the meantime.
    """
    runs: dict[int, Run] = {}
    for place, (config, seed) in enumerate(wanted):
        if not again and (run := find_existing(setup.store, experiment, config, seed)):
            runs[place] = run
    new = [place for place in range(len(wanted)) if place not in runs]
    for config, seed in (wanted[place] for place in new):
        experiment.check(config, seed, setup.data)
    unfinished = [run for run in runs.values() if not has_ended(run)]
    if stop is None:
        print(
            f"{len(wanted)} runs: {len(runs) - len(unfinished)} ended, {len(unfinished)} to resume, {len(new)} new",
            file=sys.stderr,
        )
    # Runs resume with the threads that they had, unless another number was asked for.
    chosen, advised = (None, True) if setup.threads == "auto" else (setup.threads, False)
    finished = True
    for run in unfinished:
        if finished and not has_ended(run):  # it may have ended in the stack of an earlier run or in another process
            _, finished = resume(run, wandb=setup.wandb, data=setup.data, threads=chosen, advised=advised, stop=stop)
    for places in stacks(experiment, new, together, config=lambda place: wanted[place][0]):
        if finished:
            started, finished = start(experiment, [wanted[place] for place in places], setup, again=again, stop=stop)
            runs |= dict(zip(places, started, strict=True))
    return [runs[place] for place in sorted(runs)], finished


def stacks(experiment: Experiment, wanted: Sequence[T], together: int, *, config: Callable[[T], Any]) -> list[list[T]]:
    """Divide `wanted`, in order, into stacks of at most `together` members that are alike (`Experiment.alike`)."""
    alike: dict[Any, list[T]] = {}
    for each in wanted:
        alike.setdefault(experiment.alike(config(each)), []).append(each)
    return [group[first : first + together] for group in alike.values() for first in range(0, len(group), together)]
