"""Runs an experiment in the store: new or resumed, alone or stacked, with locks, progress, saves, a clean interrupt."""

import math
import shutil
import signal
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from types import FrameType
from typing import Any, Literal

import torch

from grok.analysis.events import EVENT_COLUMNS, events
from grok.config import config_from_json, config_hash, config_to_json
from grok.tracking import Run, Store, StoreError
from grok.tracking.environment import describe_environment
from grok.tracking.wandb_mirror import WandbError, WandbMirror
from grok.training.checkpoint import checkpoints, load_checkpoint, save_checkpoint
from grok.training.engine import Engine, TrainingError
from grok.training.executor import EXECUTORS
from grok.training.measurements import Measurements
from grok.training.progress import Progress
from grok.training.recorder import Recorder
from grok.training.step import Member

SAVE_INTERVAL = 10.0  # seconds between saves: a kill loses at most what was measured since the last
SAVE_SHARE = 0.03  # of the time: where many runs make saves slow, they come less often

WandbMode = Literal["offline", "online", "disabled"]
ExecutorName = Literal["eager", "graph"]


@dataclass(frozen=True, kw_only=True)
class Experiment:
    """One experiment of the paper: its settings, its presets, and how to build one of its networks."""

    name: str
    description: str
    config_type: type[Any]
    presets: dict[str, Callable[[], Any]]
    build: Callable[[Any, int, torch.device], Member]
    alike: Callable[[Any], Any]
    """What configs must have in common to train in one stack."""


class RunExistsError(StoreError):
    """This config and seed have a run that is not finished: the message says how to go on with it."""


def find_existing(store: Store, experiment: Experiment, config: Any, seed: int) -> Run | None:
    """The newest run of this config and seed, or None if there is none.

    Raises:
        RunExistsError: another process is training it.
    """
    runs = store.find(experiment=experiment.name, config_hash=config_hash(config), seed=seed)
    if not runs:
        return None
    if runs[-1].manifest()["status"] == "running":
        raise RunExistsError(
            f"run {runs[-1].id} is in use by process {runs[-1].lock_holder()}: wait for it, stop it, "
            "or train another beside it with --again"
        )
    return runs[-1]


def refuse_unfinished(run: Run) -> None:
    """Raise RunExistsError, which says how to go on, unless the run is finished."""
    manifest = run.manifest()
    if manifest["status"] != "finished":
        raise RunExistsError(
            f"run {run.id} was {manifest['status']} at step {manifest['step']}: go on with it by "
            f"`grok resume {run.path}`, or train another beside it with --again"
        )


def start(
    experiment: Experiment,
    wanted: Sequence[tuple[Any, int]],
    *,
    device: torch.device,
    store: Store,
    wandb: WandbMode,
    command: Sequence[str],
    executor: ExecutorName = "eager",
    tf32: bool = False,
) -> tuple[list[Run], bool]:
    """Train new runs of these configs and seeds from step 0, as one stack if they are many.

    A run whose loss diverges is recorded as failed, and the others go on.

    Returns: the runs, and whether they came to their end (False: they were interrupted).

    Raises:
        ValueError: configs that cannot be stacked, or that the executor cannot train.
    """
    configs = [config for config, _ in wanted]
    if any(experiment.alike(config) != experiment.alike(configs[0]) for config in configs):
        raise ValueError("wanted: expected configs that can be stacked (Experiment.alike), got others")
    if executor == "graph" and not all(config.optimiser.can_be_captured for config in configs):
        raise ValueError("executor: expected eager with the rule muon, whose update no graph can capture, got graph")
    members = [experiment.build(config, seed, device) for config, seed in wanted]
    runs: list[Run] = []
    with ExitStack() as locks:
        for config, seed in wanted:
            run = store.create(
                experiment=experiment.name,
                label=config.label,
                config=config_to_json(config),
                config_hash=config_hash(config),
                seed=seed,
                command=command,
                environment=describe_environment(device) | {"executor": executor, "tf32": tf32},
            )
            locks.enter_context(run.lock())
            runs.append(run)
        if len(runs) > 1:
            for run in runs:
                run.update(stack=[each.id for each in runs])
        try:
            return runs, _drive(runs, members, wandb, executor=executor, tf32=tf32)
        except WandbError:
            for run in runs:
                shutil.rmtree(run.path)  # nothing has been trained: leave no run behind
            raise


def resume(run: Run, experiments: dict[str, Experiment], *, wandb: WandbMode | None = None) -> tuple[list[Run], bool]:
    """Go on with an unfinished run on its device, to the numbers it would have had; `wandb` None mirrors as before.

    With a run that was trained in a stack go on all that stand at the same step: alone it would round otherwise.

    Returns: as `start`.
    """
    manifest = run.manifest()
    experiment = experiments.get(manifest["experiment"])
    if experiment is None:
        raise StoreError(
            f"run {run.id} is of the experiment {manifest['experiment']!r}, which this version does not know: "
            f"it knows {', '.join(experiments)}"
        )
    if manifest["device"] == "cuda" and not torch.cuda.is_available():
        raise StoreError(f"run {run.id} was trained on a GPU and there is none here: resume it where there is one")
    torch.set_num_threads(manifest["threads"])  # sums split over other threads would round otherwise
    runs, step = _standing_together(run)
    with ExitStack() as locks:
        members = []
        for each in runs:
            locks.enter_context(each.lock())
            config = config_from_json(experiment.config_type, each.manifest()["config"])
            member = experiment.build(config, each.manifest()["seed"], torch.device(manifest["device"]))
            if step is not None:
                for newer in [at for at in checkpoints(each) if at > step]:
                    checkpoints(each)[newer].unlink()  # of a time that is trained anew: not to be taken for its own
                load_checkpoint(checkpoints(each)[step], member.learner.model, member.optimiser)
            elif manifest["step"] > 0:
                raise StoreError(f"{each.checkpoints_path} is empty: restore it, or train anew beside it with --again")
            if step and member.learner.probes and each.read_table(["step"]).num_rows == 0:
                raise StoreError(f"{each.metrics_path} is missing: restore it, or train anew beside it with --again")
            members.append(member)
        finished = _drive(
            runs,
            members,
            wandb or manifest.get("wandb", "offline"),
            first_step=step or 0,
            executor=manifest.get("executor", "eager"),
            tf32=manifest.get("tf32", False),
        )
        return runs, finished


def _standing_together(run: Run) -> tuple[list[Run], int | None]:
    """The runs to resume with this one, itself included, and the step of the checkpoints to resume them from.

    Of a stack that is the step that most unfinished members have a checkpoint of, the newest such: a kill amid a save
    leaves some of them one save behind.
    """
    steps = checkpoints(run)
    if "stack" not in run.manifest():
        return [run], max(steps, default=None)
    stack = [Run(run.path.parent / name) for name in run.manifest()["stack"]]
    peers = [peer for peer in stack if (peer.path / "run.json").exists()]
    if len(peers) < len(stack):
        print(f"grok: {len(stack) - len(peers)} runs of the stack are gone; the others go on without", file=sys.stderr)
    unfinished = [peer for peer in peers if peer == run or not has_ended(peer)]
    if not steps:
        return [peer for peer in unfinished if not checkpoints(peer)], None
    standing = {step: [peer for peer in unfinished if step in checkpoints(peer)] for step in steps}
    step = max(standing, key=lambda step: (len(standing[step]), step))
    return standing[step], step


def has_ended(run: Run) -> bool:
    """Whether there is nothing to go on with: the run is finished, or its loss has diverged."""
    manifest = run.manifest()
    return manifest["status"] == "finished" or manifest.get("diverged", False)


def _drive(
    runs: Sequence[Run],
    members: Sequence[Member],
    wandb: WandbMode,
    *,
    first_step: int = 0,
    executor: ExecutorName,
    tf32: bool,
) -> bool:
    """Train the members and keep what is measured in their runs; return whether they came to their end."""
    torch.set_float32_matmul_precision("high" if tf32 else "highest")
    engine = Engine(members, first_step=first_step, executor=EXECUTORS[executor])
    started = time.monotonic()
    next_save = started + SAVE_INTERVAL
    manifests = [run.manifest() for run in runs]
    for member, run in zip(members, runs, strict=True):
        for step, accuracy in Recorder(run, first_step=first_step).earlier("test/accuracy"):
            member.settle.update(step, accuracy)
    mirrors = _mirrors(runs, wandb, first_step)
    recorders = [Recorder(run, first_step=first_step, mirror=mirror) for run, mirror in zip(runs, mirrors, strict=True)]
    progress = Progress(first_step=first_step, last_step=_last_step(members), runs=len(runs))
    saved_at: dict[int, int] = {}

    def save(index: int) -> None:
        run, member = runs[index], members[index]
        recorders[index].save()
        if saved_at.get(index) == engine.step:
            return
        save_checkpoint(run, engine.step, member.learner.model, member.optimiser)
        wall = manifests[index]["timings"]["wall_seconds"] + time.monotonic() - started
        timings = {"wall_seconds": round(wall, 1), "steps_per_second": round(engine.step / wall, 1)}
        run.update(step=engine.step, timings=timings)
        saved_at[index] = engine.step

    def save_all() -> None:
        engine.catch_up()
        for index in engine.active:
            save(index)

    def on_block(measured: dict[int, Measurements]) -> None:
        nonlocal next_save
        latest = {index: measurements.latest() for index, measurements in measured.items()}
        progress.update(engine.step, _last_step(members), latest, active=len(engine.active))
        began = time.monotonic()
        if began > next_save:
            save_all()
            ended = time.monotonic()
            next_save = ended + pause_after(ended - began)

    def on_end(index: int, error: TrainingError | None) -> None:
        run, summary = runs[index], {}
        if error:
            recorders[index].save()
        save_all()  # the others first: they resume without this one, so from no earlier step
        if error:
            run.update(status="failed", error=str(error), diverged=True)
        else:
            save(index)
            summary = _summary(run)
            run.update(status="finished", summary=summary)
        if mirror := mirrors[index]:
            mirrors[index] = None
            mirror.finish(summary, 1 if error else 0)

    exit_code = 1
    try:
        for run in runs:
            run.update(status="running", wandb=wandb, error=None, diverged=None)
        with _interruptible() as interrupted:
            progress.update(first_step, _last_step(members), {}, active=len(runs))
            finished = engine.run(recorders, on_block, on_end, interrupted)
        save_all()
        for index in engine.active:
            runs[index].update(status="interrupted")
        exit_code = 0
    except KeyboardInterrupt:  # a second Ctrl-C: the last save is what to go on from
        for index in engine.active:
            runs[index].update(status="interrupted")
        raise
    except Exception as error:
        for index in engine.active:
            _record_failure(runs[index], recorders[index], error)
        raise
    finally:
        progress.close()
        for mirror in mirrors:
            if mirror:
                mirror.finish({}, exit_code)
    return finished


def pause_after(seconds: float) -> float:
    """Seconds between a save that took so many and the next.

    >>> pause_after(0.02), pause_after(3.0)
    (10.0, 100.0)
    """
    return max(SAVE_INTERVAL, seconds / SAVE_SHARE)


def _last_step(members: Sequence[Member]) -> int:
    """The step at which the last of them will end, as far as is known."""
    return max(member.settle.last_step for member in members)


def _mirrors(runs: Sequence[Run], wandb: WandbMode, first_step: int) -> list[WandbMirror | None]:
    """A mirror a run, or none; if one does not start, those that did are ended."""
    if wandb == "disabled":
        return [None] * len(runs)
    mirrors: list[WandbMirror | None] = []
    with ExitStack() as started:
        for run in runs:
            manifest = run.manifest()
            mirror = WandbMirror(
                run.path,
                mode=wandb,
                project=f"grok-{manifest['experiment']}",
                group=run.id,
                config=manifest["config"] | {"seed": manifest["seed"]},
                first_step=first_step,
            )
            started.callback(mirror.finish, {}, 1)
            mirrors.append(mirror)
        started.pop_all()
    return mirrors


def _summary(run: Run) -> dict[str, Any]:
    last = {name: value for name, value in run.last_row().items() if math.isfinite(value)}
    if not last:
        return {}
    return {"events": events(run.read_table(EVENT_COLUMNS).to_pandas()), "last": last}


def _record_failure(run: Run, recorder: Recorder, error: Exception) -> None:
    """Keep what was measured and why it ended, as far as the disk still takes it; the error itself is raised anyway."""
    with suppress(StoreError):
        recorder.save()
    with suppress(StoreError):
        run.update(status="failed", error=str(error))


@contextmanager
def _interruptible() -> Iterator[Callable[[], bool]]:
    """Let Ctrl-C, a termination signal or a closed terminal end the run after its step; a second one at once."""
    received = False

    def on_signal(number: int, frame: FrameType | None) -> None:
        nonlocal received
        received = True
        for each, handler in earlier.items():
            signal.signal(each, handler)

    ignored = {signal.SIGHUP} if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN else set()  # as under nohup
    wanted = {signal.SIGINT, signal.SIGTERM, signal.SIGHUP} - ignored
    earlier = {each: signal.signal(each, on_signal) for each in wanted}
    try:
        yield lambda: received
    finally:
        for each, handler in earlier.items():
            signal.signal(each, handler)
