"""Training of all runs of a sweep, on this machine or on a cluster."""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Protocol, runtime_checkable

from grok.experiment import Experiment
from grok.experiments.driving import Setup, Stop, interruptible
from grok.sweep.expand import Key, Wanted
from grok.sweep.file import SweepFile
from grok.sweep.packs import ENDED, Outcome, Pack, Watch, existing_runs, make_packs, state
from grok.sweep.progress import SweepProgress
from grok.sweep.table import Row, rows_of
from grok.tracking import Run


@runtime_checkable
class Launch(Protocol):
    """A function that trains packs, on this machine or on a cluster."""

    def __call__(self, packs: Sequence[Pack], setup: Setup, *, stop: Stop, watch: Watch) -> bool:
        """Train the packs until all have ended or `stop` returns true, and return whether all have ended."""


def check_data(experiment: Experiment, wanted: Sequence[Wanted], setup: Setup) -> None:
    """Check that this machine has the data of all runs that are left to train, and download them if that is allowed.

    Raises:
        ConfigError: if `Experiment.check` rejects a run.
    """
    runs = existing_runs(setup.store, experiment.name)
    for each in wanted:
        if state(runs.get(each.key)) not in ENDED:
            experiment.check(each.config, each.seed, setup.data)


def train_sweep(
    sweep: SweepFile, wanted: Sequence[Wanted], setup: Setup, launch: Launch, *, together: int
) -> tuple[list[Row], bool]:
    """Train the wanted runs that have not ended, with at most `together` runs as one batched model.

    Afterwards the field `sweeps` in run.json of each finished run names the sweeps that asked for it.

    Returns: a row with the final state of each run, and False if the sweep was interrupted.
    """
    experiment = sweep.experiment
    runs = existing_runs(setup.store, experiment.name)
    states = [row.state for row in rows_of(experiment, wanted, runs, {})]
    watch = _Watch(total=len(wanted), finished=states.count("finished"), failed=states.count("diverged"))
    try:
        with interruptible() as stop:
            ended = launch(make_packs(experiment, wanted, runs, together), setup, stop=stop, watch=watch)
    finally:
        watch.close()
    runs = existing_runs(setup.store, experiment.name)
    _name_in(sweep.name, [runs[each.key] for each in wanted if each.key in runs], setup.store.lock(experiment.name))
    return rows_of(experiment, wanted, runs, watch.errors), ended


def _name_in(sweep: str, runs: Sequence[Run], lock: AbstractContextManager[None]) -> None:
    """Add the name of this sweep to all finished runs; the manifests of other runs belong to the process that trains.

    If all finished runs have the name already, nothing is locked or written, so that a read-only store is enough.
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
    """Counts packs, and keeps the errors that ended them early, since the manifests of the runs may lack these."""

    def __init__(self, *, total: int, finished: int, failed: int) -> None:
        super().__init__(total=total, finished=finished, failed=failed)
        self.errors: dict[Key, str] = {}

    def ended(self, pack: Pack, outcome: Outcome) -> None:
        """Count the runs of a pack, and keep its error."""
        super().ended(pack, outcome)
        if outcome.error:
            self.errors |= dict.fromkeys(pack.keys, outcome.error)
