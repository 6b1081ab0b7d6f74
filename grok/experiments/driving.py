"""Training of members with everything around it: progress, saves, mirrors, and a clean interrupt."""

import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, nullcontext, suppress
from dataclasses import dataclass
from types import FrameType
from typing import Literal

import torch

from grok.columns import TEST_ACCURACY
from grok.config import ExecutorName, Schedule
from grok.experiment import experiment
from grok.experiments.threads import Threads, Watch, record_threads
from grok.tasks.images import DataFolder
from grok.tracking import Run, Store, StoreError
from grok.tracking.wandb_mirror import WandbMirror
from grok.training.checkpoint import save_checkpoint
from grok.training.engine import Engine, TrainingError
from grok.training.executor import EXECUTORS
from grok.training.measurements import Measurements
from grok.training.progress import Progress
from grok.training.recorder import Recorder
from grok.training.step import Member
from grok.training.weights import keep_weights

SAVE_INTERVAL = 10.0  # seconds between saves: a kill loses at most the measurements since the last save
SAVE_SHARE = 0.03  # largest fraction of the time spent on saves: slow saves of many runs happen less often

WandbMode = Literal["offline", "online", "disabled"]

Stop = Callable[[], bool]
"""A function that returns whether to save and stop."""


@dataclass(frozen=True, kw_only=True)
class Setup:
    """The settings of a training that do not belong to the config."""

    device: torch.device
    store: Store
    wandb: WandbMode
    command: Sequence[str]
    """The command of the user, which each run records."""
    executor: ExecutorName = "eager"
    tf32: bool = False
    compile: bool = False
    threads: Threads = None
    """Threads of new runs: as many as given, or auto for the fastest, or None for as many as torch has now."""
    weights: str = "off"
    """Schedule of the steps at which networks are kept beside the record, such as log:6."""
    data: DataFolder = DataFolder()


def drive(
    runs: Sequence[Run],
    members: Sequence[Member],
    setup: Setup,
    *,
    first_step: int = 0,
    stop: Stop | None = None,
    watch: Watch | None = None,
) -> bool:
    """Train the members and store the measurements in their runs; return whether all members reached their end.

    Before each step, `stop` is called; if it returns True, the members are saved and the training stops. Without `stop`
    the training shows a live line, and Ctrl-C, a termination signal or a closed terminal stops it.

    With `watch`, a training that has become slow continues with another number of threads if that is clearly faster.
    The runs are saved before the change and record it, so that they resume to the same numbers.
    """
    torch.set_float32_matmul_precision("high" if setup.tf32 else "highest")
    engine = Engine(members, first_step=first_step, executor=EXECUTORS[setup.executor])
    started = time.monotonic()
    next_save = started + SAVE_INTERVAL
    manifests = [run.manifest() for run in runs]
    for member, run in zip(members, runs, strict=True):
        for step, accuracy in Recorder(run, first_step=first_step).earlier(TEST_ACCURACY):
            member.settle.update(step, accuracy)
    mirrors = _mirrors(runs, setup.wandb, first_step)
    recorders = [Recorder(run, first_step=first_step, mirror=mirror) for run, mirror in zip(runs, mirrors, strict=True)]
    progress = Progress(first_step=first_step, runs=len(runs), silent=stop is not None)
    keeps = Schedule.parse(setup.weights, name="weights")
    saved_at: dict[int, int] = {}

    def save(index: int) -> None:
        run, member = runs[index], members[index]
        recorders[index].save()
        if saved_at.get(index) == engine.step:
            return
        save_checkpoint(run, engine.step, member)
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
        if watch and engine.active and watch.is_slow(engine.step):
            save_all()
            if threads := watch.faster([runs[index] for index in engine.active], engine.step, progress.say):
                for index in engine.active:
                    record_threads(runs[index], engine.step, threads)
                torch.set_num_threads(threads)

    def on_end(index: int, error: TrainingError | None) -> None:
        run, summary = runs[index], {}
        if error:
            recorders[index].save()
        save_all()  # save the others first: they will resume without this run, so not from an earlier step
        if error:
            run.update(status="failed", error=str(error), diverged=True)
        else:
            save(index)
            if keeps.kind != "off":
                keep_weights(run, engine.step, members[index])
            summary = experiment(manifests[index]["experiment"]).summarise(run)
            run.update(status="finished", summary=summary)
        if mirror := mirrors[index]:
            mirrors[index] = None
            mirror.finish(summary, 1 if error else 0)

    def on_keep() -> None:
        for index in engine.active:
            keep_weights(runs[index], engine.step, members[index])

    exit_code = 1
    try:
        for run in runs:
            run.update(status="running", wandb=setup.wandb, error=None, diverged=None)
        with nullcontext(stop) if stop else interruptible() as interrupted:
            progress.update(first_step, _last_step(members), {}, active=len(runs))
            finished = engine.run(recorders, on_block, on_end, interrupted, keeps=keeps, on_keep=on_keep)
        save_all()
        for index in engine.active:
            runs[index].update(status="interrupted")
        exit_code = 0
    except KeyboardInterrupt:  # after a second Ctrl-C, the runs resume from the last save
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
    """Return the seconds to wait between a save that took `seconds` and the next save.

    >>> pause_after(0.02), pause_after(3.0)
    (10.0, 100.0)
    """
    return max(SAVE_INTERVAL, seconds / SAVE_SHARE)


def _last_step(members: Sequence[Member]) -> int:
    """Return the step at which the last member will end, as far as is known now."""
    return max(member.settle.last_step for member in members)


def _mirrors(runs: Sequence[Run], wandb: WandbMode, first_step: int) -> list[WandbMirror | None]:
    """Return a mirror for each run, or None if wandb is disabled; if a mirror fails to start, the others are closed."""
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


def _record_failure(run: Run, recorder: Recorder, error: Exception) -> None:
    """Store the measurements and the error as far as the disk allows; the caller raises the error itself."""
    with suppress(StoreError):
        recorder.save()
    with suppress(StoreError):
        run.update(status="failed", error=str(error))


@contextmanager
def interruptible() -> Iterator[Stop]:
    """Let Ctrl-C, a termination signal or a closed terminal request a stop; a second one stops at once.

    Python handles signals only in the main thread. In another one, nothing requests a stop.
    """
    if threading.current_thread() is not threading.main_thread():
        yield lambda: False
        return
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
