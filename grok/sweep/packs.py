"""Runs as packs: what one worker trains at a time, whether the worker is a process here or a task on a cluster."""

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
from grok.sweep.expand import Wanted
from grok.tracking import Run, RunInUseError, Store

ENDED = ("finished", "diverged")
"""States of runs that are left as they are."""

POLL = 1.0  # seconds between looks at a run that another process holds

State = Literal["new", "finished", "interrupted", "failed", "diverged", "running"]
"""How a run stands: `failed` is tried again, `diverged` is not, `running` is trained by another process."""

Key = tuple[Any, int]
"""Config and seed: all settings tell runs apart, which a hash of them does not once a default has changed."""


@dataclass(frozen=True, kw_only=True)
class Pack:
    """Runs that are trained together, or gone on with together."""

    experiment: str
    wanted: tuple[Key, ...]


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What became of a pack."""

    ended: bool
    """False if it was told to stop."""
    failed: int = 0
    """Runs that are not finished although it has ended."""
    error: str | None = None
    """What ended it before its time."""


@runtime_checkable
class Watch(Protocol):
    """Sees packs come and go."""

    def ended(self, pack: Pack, outcome: Outcome) -> None:
        """A pack has ended."""

    def tick(self, under_way: int) -> None:
        """Time has passed, and so many runs are under way."""


def existing_runs(store: Store, name: str) -> dict[Key, Run]:
    """The newest run of each config and seed of the experiment of this name in the store."""
    runs, config_type = {}, experiment(name).config_type
    for run, manifest in store.manifests(f"{name}/*").items():
        with suppress(ConfigError):  # settings of another version, which nobody can want
            runs[config_from_json(config_type, manifest["config"]), manifest["seed"]] = run
    return runs


def state(run: Run | None) -> State:
    """How a run stands; None is a run that has not been begun."""
    if run is None:
        return "new"
    manifest = run.manifest()
    return "diverged" if manifest.get("diverged") else manifest["status"]


def make_packs(experiment: Experiment, wanted: Sequence[Wanted], runs: Mapping[Key, Run], together: int) -> list[Pack]:
    """What is left to train, in order: unfinished runs with the stack that they were in, new ones in stacks.

    A stack has at most so many runs `together`, all alike (`Experiment.alike`).
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
        Pack(experiment=experiment.name, wanted=tuple(each.key for each in pack))
        for pack in (*unfinished.values(), *stacks(experiment, new, together, config=lambda each: each.config))
    ]


def train_pack(pack: Pack, setup: Setup, stop: Stop) -> Outcome:
    """Bring the pack's runs to their ends, but for those that are there already.

    Where another process trains one of them it is waited for. An error is part of the outcome: others go on.
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
    """The outcome of a pack that an error has ended: those of its runs that are finished have not failed."""
    runs = [run for key, run in existing_runs(store, pack.experiment).items() if key in pack.wanted]
    return Outcome(ended=True, failed=_unfinished(pack, runs), error=error)


def in_words(error: BaseException) -> str:
    """An error as one line."""
    known = type(error).__module__.startswith("grok.")
    return " ".join((str(error) if known else f"{type(error).__name__}: {error}").split())


def _unfinished(pack: Pack, runs: Sequence[Run]) -> int:
    return len(pack.wanted) - sum(state(run) == "finished" for run in runs)
