"""Starts and resumes runs in the store, alone or stacked, and locks each against other processes."""

import functools
import shutil
import sys
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import torch

from grok.config import Schedule, config_from_json, config_hash, config_to_json, not_captured
from grok.experiment import Experiment, experiments
from grok.experiments.driving import Setup, Stop, WandbMode, drive
from grok.experiments.members import build, copies_at_start, copies_of, restore
from grok.experiments.threads import Copies, Threads, Watch, advise, fastest, record_threads, threads_at
from grok.memory import fits, refuse_beyond
from grok.processors import most_threads
from grok.tasks.images import DataFolder
from grok.tracking import Run, Store, StoreError
from grok.tracking.environment import describe_environment
from grok.tracking.lock import in_use
from grok.tracking.wandb_mirror import WandbError
from grok.training.checkpoint import checkpoints
from grok.training.step import Member
from grok.training.weights import kept_weights, network_tensors


class RunExistsError(StoreError):
    """Raised when a run of this config and seed exists; the message says how to continue it."""


def find_existing(store: Store, experiment: Experiment, config: Any, seed: int) -> Run | None:
    """Return the newest run of this config and seed, or None if there is none.

    Raises:
        RunInUseError: if another process is training it.
    """
    runs = store.find(experiment=experiment.name, config=config, seed=seed)
    if not runs:
        return None
    if runs[-1].manifest()["status"] == "running":
        raise in_use(runs[-1].path)
    return runs[-1]


def refuse_unfinished(run: Run) -> None:
    """Raise RunExistsError unless the run is finished; the message says how to continue it."""
    manifest = run.manifest()
    if manifest["status"] != "finished":
        raise RunExistsError(
            f"run {run.name} was {manifest['status']} at step {manifest['step']}: continue it with "
            f"`grok resume {run.path}`, or train another beside it with --again"
        )


def start(
    experiment: Experiment,
    wanted: Sequence[tuple[Any, int]],
    setup: Setup,
    *,
    again: bool = False,
    stop: Stop | None = None,
) -> tuple[list[Run], bool]:
    """Train new runs of these configs and seeds from step 0, as one stack if there are several.

    `stop` works as in `drive`. A run whose loss diverges is recorded as failed, and the others continue. With `again`,
    runs of the same config and seed may exist already. Threads that are `auto` are chosen by timing steps of copies of
    the members, so that the runs are those that the same number would give if it were asked for.

    Returns: the runs, and whether they reached their end (False if they were interrupted).

    Raises:
        RunExistsError, RunInUseError: if another process has made one of the runs; no run has started.
        ValueError: if the configs cannot be stacked, or if the executor cannot train them.
    """
    configs = [config for config, _ in wanted]
    if any(experiment.alike(config) != experiment.alike(configs[0]) for config in configs):
        raise ValueError("wanted: expected configs that can be stacked (Experiment.alike), got others")
    issued = [what for config in configs if (what := not_captured(config))]
    if setup.executor == "graph" and issued:
        raise ValueError(f"executor: expected eager with {issued[0]} no graph can capture, got graph")
    if setup.compile and len(wanted) > 1:
        raise ValueError("compile: expected one run at a time, as a stack cannot be compiled, got several")
    _refuse_too_large(experiment, configs, setup.device, setup.threads)
    if (threads := _on(setup.device, setup.threads)) == "auto":
        threads = fastest(lambda: copies_at_start(experiment, wanted, setup), _say_unless(stop))
    if threads is not None:
        torch.set_num_threads(threads)  # before the members are built, since it also decides how data are summed
    members = [build(experiment, config, seed, setup) for config, seed in wanted]
    _say_weights(members, setup, _say_unless(stop))
    environment = describe_environment(setup.device) | {
        "executor": setup.executor,
        "tf32": setup.tf32,
        "compile": setup.compile,
        "data": str(setup.data.path),
        "weights": setup.weights,
    }
    runs: list[Run] = []
    with ExitStack() as locks:
        with setup.store.lock(experiment.name):
            for config, seed in () if again else wanted:
                _refuse_existing(setup.store, experiment, config, seed)
            for config, seed in wanted:
                run = setup.store.create(
                    experiment=experiment.name,
                    label=config.label,
                    config=config_to_json(config),
                    config_hash=config_hash(config),
                    seed=seed,
                    command=setup.command,
                    environment=environment,
                )
                locks.enter_context(run.lock())
                runs.append(run)
            if len(runs) > 1:
                for run in runs:
                    run.update(stack=[each.id for each in runs])
        try:
            return runs, drive(runs, members, setup, stop=stop, watch=_watch(experiment, setup))
        except WandbError:
            for run in runs:
                shutil.rmtree(run.path)  # nothing has been trained, so leave no run behind
            raise


def resume(
    run: Run,
    *,
    wandb: WandbMode | None = None,
    data: DataFolder | None = None,
    threads: Threads = None,
    advised: bool = False,
    stop: Stop | None = None,
) -> tuple[list[Run], bool]:
    """Resume an unfinished run on its device, with the results that it would have had without the interruption.

    With `wandb` None the run is mirrored as before, and with `data` None its data set is expected where it was. With
    `threads` None it trains with as many threads as before. If `advised`, steps are then timed, and a line says if
    another number of threads is clearly faster. Any other number may round sums differently and is recorded.

    A run that was trained in a stack resumes with all runs of the stack that are at the same step, since it would round
    differently on its own.

    Returns: the same as `start`.

    Raises:
        RunExistsError, RunInUseError: if another process trains one of the runs, or has trained it in the meantime.
        StoreError: if the experiment is unknown, the device is missing, or files of the run are missing.
    """
    manifest = run.manifest()
    experiment = experiments().get(manifest["experiment"])
    if experiment is None:
        raise StoreError(
            f"run {run.name} belongs to the experiment {manifest['experiment']!r}, which this version does not know: "
            f"it knows {', '.join(experiments())}"
        )
    if manifest["device"] == "cuda" and not torch.cuda.is_available():
        raise StoreError(f"run {run.name} was trained on a GPU and there is none here: resume it where there is one")
    setup = Setup(
        device=torch.device(manifest["device"]),
        store=Store(run.path.parent.parent),
        wandb=wandb or manifest.get("wandb", "offline"),
        command=manifest["command"],
        executor=manifest.get("executor", "eager"),
        tf32=manifest.get("tf32", False),
        compile=manifest.get("compile", False),
        threads=_on(torch.device(manifest["device"]), threads),
        weights=manifest.get("weights", "off"),
        data=data or DataFolder(path=Path(manifest.get("data", DataFolder.path))),
    )
    with ExitStack() as locks:
        with setup.store.lock(experiment.name):
            runs, step = _lock_standing_together(run, locks)
        if run.manifest()["status"] == "finished":
            return [run], True
        for each in runs:
            _check_files(each, step)
        configs = [config_from_json(experiment.config_type, each.manifest()["config"]) for each in runs]
        _refuse_too_large(experiment, configs, setup.device, setup.threads)
        count = threads_at(manifest, step or 0)  # another number may round sums differently
        if setup.threads == "auto":
            count = fastest(lambda: copies_of(runs, experiment, setup), _say_unless(stop))
        elif setup.threads is not None:
            count = setup.threads
        elif advised and setup.device.type == "cpu":
            advise(lambda: copies_of(runs, experiment, setup), count, _say_unless(stop))
        torch.set_num_threads(count)
        members = [restore(each, experiment, setup) for each in runs]
        for each in runs:
            record_threads(each, step or 0, count)
        return runs, drive(runs, members, setup, first_step=step or 0, stop=stop, watch=_watch(experiment, setup))


def _refuse_too_large(experiment: Experiment, configs: Sequence[Any], device: torch.device, threads: Threads) -> None:
    """Raise ConfigError if runs of these configs, trained together, need more memory than is free."""
    needed = _memory(experiment, configs, device, threads)
    stack = " or a smaller --stack" if len(configs) > 1 else ""
    refuse_beyond(needed, device, mend=f"choose a smaller task or network{stack}")


def _memory(experiment: Experiment, configs: Sequence[Any], device: torch.device, threads: Threads) -> int:
    """Return about how many bytes it takes to train runs of these configs together."""
    count = threads if isinstance(threads, int) else most_threads()
    return max(experiment.memory(each, members=len(configs), device=device.type, threads=count) for each in configs)


def _check_files(run: Run, step: int | None) -> None:
    """Raise StoreError if files of a run are missing that it needs to continue from `step`, and delete newer ones.

    Newer files are stale, since the steps up to them are trained again.
    """
    if step is None and run.manifest()["step"] > 0:
        raise StoreError(f"{run.checkpoints_path} is empty: restore it, or train anew beside it with --again")
    for saved in (checkpoints(run), kept_weights(run)):
        for path in [path for at, path in saved.items() if at > (step or 0)]:
            path.unlink()


def _on(device: torch.device, threads: Threads) -> Threads:
    """Return the choice of threads on a device; a GPU hardly needs them, so that auto is no choice there."""
    return None if threads == "auto" and device.type != "cpu" else threads


def _watch(experiment: Experiment, setup: Setup) -> Watch | None:
    """Return what changes the number of threads while the runs train, if that number is not fixed."""
    if _on(setup.device, setup.threads) != "auto":
        return None

    def make_copies(runs: Sequence[Run]) -> Copies | None:
        # Copies stand beside the members themselves, for which alone the memory was known to suffice
        configs = [config_from_json(experiment.config_type, run.manifest()["config"]) for run in runs]
        beside = fits(_memory(experiment, configs, setup.device, setup.threads), setup.device)
        return copies_of(runs, experiment, setup) if beside else None

    return Watch(make_copies)


def _say_unless(stop: Stop | None) -> Callable[[str], None]:
    """Return a function that prints a line on stderr, or drops it if nobody watches the training."""
    return (lambda line: None) if stop else functools.partial(print, file=sys.stderr, flush=True)


def _say_weights(members: Sequence[Member], setup: Setup, say: Callable[[str], None]) -> None:
    """Say what the networks that are kept will take on the disk, if there are any."""
    schedule = Schedule.parse(setup.weights, name="weights")
    if schedule.kind == "off":
        return
    size = sum(tensor.nbytes for member in members for tensor in network_tensors(member).values())
    last = max(member.settle.last_step for member in members)
    count = sum(schedule.is_due(step) for step in range(last)) + 1
    say(f"weights: at most {count} networks are kept, {count * size / 2**20:,.1f} MiB in all")


def _refuse_existing(store: Store, experiment: Experiment, config: Any, seed: int) -> None:
    if run := find_existing(store, experiment, config, seed):
        raise RunExistsError(
            f"run {run.name} has been made meanwhile by another process: give the same command again, or train another "
            "beside it with --again"
        )


def _lock_standing_together(run: Run, locks: ExitStack) -> tuple[list[Run], int | None]:
    """Lock the runs that resume with this one, and raise if another process has trained them in the meantime."""
    peers = _peers(run)
    before = has_ended(run), *_standing_together(run, peers)
    _, runs, step = before
    for each in runs:
        locks.enter_context(each.lock())
    if (has_ended(run), *_standing_together(run, peers)) != before:
        raise RunExistsError(f"run {run.name} has been trained meanwhile by another process: look at it, and try again")
    return runs, step


def _peers(run: Run) -> list[Run]:
    """Return the existing runs of the stack in which this run was trained, including itself."""
    manifest = run.manifest()
    if "stack" not in manifest:
        return [run]
    stack = [Run(run.path.parent / name) for name in manifest["stack"]]
    peers = [peer for peer in stack if (peer.path / "run.json").exists()]
    if len(peers) < len(stack):
        print(f"grok: {len(stack) - len(peers)} runs of the stack are missing; the others continue", file=sys.stderr)
    return peers


def _standing_together(run: Run, peers: Sequence[Run]) -> tuple[list[Run], int | None]:
    """Return the peers that resume with this run, including itself, and the step of their checkpoints.

    This is the step at which most unfinished runs have a checkpoint; of several such steps, it is the newest. A kill
    during a save can leave some of the runs one save behind.
    """
    steps = checkpoints(run)
    unfinished = [peer for peer in peers if peer == run or not has_ended(peer)]
    if not steps:
        return [peer for peer in unfinished if not checkpoints(peer)], None
    standing = {step: [peer for peer in unfinished if step in checkpoints(peer)] for step in steps}
    step = max(standing, key=lambda step: (len(standing[step]), step))
    return standing[step], step


def has_ended(run: Run) -> bool:
    """Return whether a run cannot continue, because it is finished or its loss has diverged."""
    manifest = run.manifest()
    return manifest["status"] == "finished" or manifest.get("diverged", False)
