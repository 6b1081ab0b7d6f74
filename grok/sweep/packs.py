"""Packs of runs: a worker, which is a local process or a task on a cluster, trains one pack at a time."""

import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Literal, Protocol, runtime_checkable

from grok.config import ConfigError, config_from_json
from grok.experiment import Experiment, experiment
from grok.experiments.driving import Setup, Stop
from grok.experiments.many import stacks, train_many
from grok.experiments.runner import RunExistsError
from grok.sweep.expand import Key, Wanted, run_key
from grok.tracking import Run, RunInUseError, Store

ENDED = ("finished", "diverged")
"""States of runs that a sweep skips."""

POLL = 1.0  # seconds between looks at a run that another process holds

State = Literal["new", "finished", "interrupted", "failed", "diverged", "running"]
"""State of a run. A `failed` run is tried again, a `diverged` run is not. Another process trains a `running` run."""


@dataclass(frozen=True, kw_only=True)
class Pack:
    """Runs that are trained together or resumed together."""

    experiment: str
    wanted: tuple[tuple[Any, int], ...]
    """Config and seed of each run."""

    @property
    def keys(self) -> tuple[Key, ...]:
        """What identifies the runs within their experiment, in order."""
        return tuple(run_key(config, seed) for config, seed in self.wanted)


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """The outcome of a pack."""

    ended: bool
    """False if the pack was told to stop before its end."""
    failed: int = 0
    """Number of runs that are not finished although the pack has ended."""
    error: str | None = None
    """Error that ended the pack early."""


@runtime_checkable
class Watch(Protocol):
    """Observes the progress of packs."""

    def ended(self, pack: Pack, outcome: Outcome) -> None:
        """Take note that a pack has ended."""

    def tick(self, under_way: int) -> None:
        """Take note that time has passed and that `under_way` runs are being trained."""


def existing_runs(store: Store, name: str) -> dict[Key, Run]:
    """Return the newest run of each config and seed of this experiment in the store."""
    runs, config_type = {}, experiment(name).config_type
    for run, manifest in store.manifests(f"{name}/*").items():
        with suppress(ConfigError):  # a sweep cannot ask for the settings of another version
            runs[run_key(config_from_json(config_type, manifest["config"]), manifest["seed"])] = run
    return runs


def state(run: Run | None) -> State:
    """Return the state of a run; None stands for a run that does not exist yet."""
    if run is None:
        return "new"
    manifest = run.manifest()
    return "diverged" if manifest.get("diverged") else manifest["status"]


def make_packs(experiment: Experiment, wanted: Sequence[Wanted], runs: Mapping[Key, Run], together: int) -> list[Pack]:
    """Return packs of all runs that are left to train, in order.

    Unfinished runs come first, with the stack to which they belonged. New runs follow in stacks of at most `together`
    runs, which are all alike (`Experiment.alike`).
    """
    unfinished: dict[Any, list[Wanted]] = {}
    new: list[Wanted] = []
    for each in wanted:
        run = runs.get(each.key)
        if run is None:
            new.append(each)
        elif state(run) not in ENDED:
            unfinished.setdefault(tuple(run.manifest().get("stack", [run.id])), []).append(each)
    return [
        Pack(experiment=experiment.name, wanted=tuple((each.config, each.seed) for each in pack))
        for pack in (*unfinished.values(), *stacks(experiment, new, together, config=lambda each: each.config))
    ]


def train_pack(pack: Pack, setup: Setup, stop: Stop) -> Outcome:
    """Train all runs of the pack that have not ended yet.

    If another process trains one of them, this function waits for it. An error becomes part of the outcome, so that
    other packs continue.
    """
    while not stop():
        try:
            runs, ended = train_many(
                experiment(pack.experiment), pack.wanted, setup, together=len(pack.wanted), stop=stop
            )
        except (RunExistsError, RunInUseError):
            time.sleep(POLL)
        except Exception as error:
            return cut_short(pack, setup.store, in_words(error))
        else:
            return Outcome(ended=ended, failed=_unfinished(pack, runs) if ended else 0)
    return Outcome(ended=False)


def cut_short(pack: Pack, store: Store, error: str) -> Outcome:
    """Return the outcome of a pack that an error has ended; runs that are already finished have not failed."""
    keys = pack.keys
    runs = [run for key, run in existing_runs(store, pack.experiment).items() if key in keys]
    return Outcome(ended=True, failed=_unfinished(pack, runs), error=error)


def in_words(error: BaseException) -> str:
    """Return the message of an error as one line."""
    known = type(error).__module__.startswith("grok.")
    return " ".join((str(error) if known else f"{type(error).__name__}: {error}").split())


def _unfinished(pack: Pack, runs: Sequence[Run]) -> int:
    return len(pack.wanted) - sum(state(run) == "finished" for run in runs)
