"""Brings a sweep's runs to their ends, wherever they are trained."""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Protocol, runtime_checkable

from grok.experiment import Experiment
from grok.experiments.driving import Setup, Stop, interruptible
from grok.sweep.expand import Wanted
from grok.sweep.file import SweepFile
from grok.sweep.packs import ENDED, Key, Outcome, Pack, Watch, existing_runs, make_packs, state
from grok.sweep.progress import SweepProgress
from grok.sweep.table import Row, rows_of
from grok.tracking import Run


@runtime_checkable
class Launch(Protocol):
    """Trains packs somewhere; returns whether all came to their end."""

    def __call__(self, packs: Sequence[Pack], setup: Setup, *, stop: Stop, watch: Watch) -> bool:
        """Train them until all have ended or `stop` says so."""


def check_data(experiment: Experiment, wanted: Sequence[Wanted], setup: Setup) -> None:
    """Refuse what is left to train if its data cannot be had on this machine; fetch them first if that is asked.

    Raises:
        ConfigError: as `Experiment.check`.
    """
    runs = existing_runs(setup.store, experiment.name)
    for each in wanted:
        if state(runs.get(each.key)) not in ENDED:
            experiment.check(each.config, each.seed, setup.data)


def train_sweep(
    sweep: SweepFile, wanted: Sequence[Wanted], setup: Setup, launch: Launch, *, together: int
) -> tuple[list[Row], bool]:
    """Train what is wanted and not there, at most so many runs `together` as one batched model.

    Each run that is finished then says in run.json, under `sweeps`, which sweeps have asked for it, by their names.

    Returns: a row for each run as it stands afterwards, and False if the sweep was interrupted.
    """
    experiment = sweep.experiment
    runs = existing_runs(setup.store, experiment.name)
    states = [row.state for row in rows_of(wanted, runs, {})]
    watch = _Watch(total=len(wanted), finished=states.count("finished"), failed=states.count("diverged"))
    try:
        with interruptible() as stop:
            ended = launch(make_packs(experiment, wanted, runs, together), setup, stop=stop, watch=watch)
    finally:
        watch.close()
    runs = existing_runs(setup.store, experiment.name)
    _name_in(sweep.name, [runs[each.key] for each in wanted if each.key in runs], setup.store.lock(experiment.name))
    return rows_of(wanted, runs, watch.errors), ended


def _name_in(sweep: str, runs: Sequence[Run], lock: AbstractContextManager[None]) -> None:
    """Say in finished runs that this sweep asked for them; the others are still to be written by who trains them.

    Where all say so nothing is written or locked, so that a store that can only be read will do.
    """

    def unnamed() -> list[tuple[Run, list[str]]]:
        manifests = [(run, run.manifest()) for run in runs]
        finished = [
            (run, manifest.get("sweeps", [])) for run, manifest in manifests if manifest["status"] == "finished"
        ]
        return [(run, names) for run, names in finished if sweep not in names]

    if unnamed():
        with lock:  # another sweep may name the same runs
            for run, names in unnamed():
                run.update(sweeps=[*names, sweep])


class _Watch(SweepProgress):
    """Keeps what ended packs before their time, for the runs that say nothing of it themselves."""

    def __init__(self, *, total: int, finished: int, failed: int) -> None:
        super().__init__(total=total, finished=finished, failed=failed)
        self.errors: dict[Key, str] = {}

    def ended(self, pack: Pack, outcome: Outcome) -> None:
        """Count a pack, and keep its error."""
        super().ended(pack, outcome)
        if outcome.error:
            self.errors |= dict.fromkeys(pack.wanted, outcome.error)
