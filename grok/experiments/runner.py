"""Runs an experiment in the store: new or resumed, with lock, live progress, regular saves and a clean interrupt."""

import shutil
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from types import FrameType
from typing import Any, Literal

import torch

from grok.analysis.events import events
from grok.config import config_from_json, config_hash, config_to_json
from grok.tracking import Run, Store, StoreError
from grok.tracking.environment import describe_environment
from grok.tracking.wandb_mirror import WandbError, WandbMirror
from grok.training.checkpoint import checkpoints, load_checkpoint, save_checkpoint
from grok.training.engine import Engine
from grok.training.progress import Progress
from grok.training.recorder import Recorder, Row

SAVE_INTERVAL = 10.0  # seconds: a kill loses at most what was measured since the last save

WandbMode = Literal["offline", "online", "disabled"]


@dataclass(frozen=True, kw_only=True)
class Experiment:
    """One experiment of the paper: its settings, its presets, and how to build its engine."""

    name: str
    description: str
    config_type: type[Any]
    presets: dict[str, Callable[[], Any]]
    build: Callable[[Any, int, torch.device], Engine]


class RunExistsError(StoreError):
    """This config and seed have a run that is not finished: the message says how to go on with it."""


def find_existing(store: Store, experiment: Experiment, config: Any, seed: int) -> Run | None:
    """The newest finished run of this config and seed, or None if there is no run of them at all.

    Raises:
        RunExistsError: the newest run of them is unfinished.
    """
    runs = store.find(experiment=experiment.name, config_hash=config_hash(config), seed=seed)
    if not runs:
        return None
    newest = runs[-1]
    manifest = newest.manifest()
    if manifest["status"] == "running":
        raise RunExistsError(
            f"run {newest.id} is in use by process {newest.lock_holder()}: wait for it, stop it, "
            "or train another beside it with --again"
        )
    if manifest["status"] != "finished":
        raise RunExistsError(
            f"run {newest.id} was {manifest['status']} at step {manifest['step']}: go on with it by "
            f"`grok resume {newest.path}`, or train another beside it with --again"
        )
    return newest


def start(
    experiment: Experiment,
    config: Any,
    *,
    seed: int,
    device: torch.device,
    store: Store,
    wandb: WandbMode,
    command: Sequence[str],
) -> tuple[Run, bool]:
    """Train a new run from step 0; return it and whether it came to its end (False: it was interrupted)."""
    engine = experiment.build(config, seed, device)
    run = store.create(
        experiment=experiment.name,
        label=config.label,
        config=config_to_json(config),
        config_hash=config_hash(config),
        seed=seed,
        command=command,
        environment=describe_environment(device),
    )
    with run.lock():
        try:
            return run, _drive(run, engine, wandb)
        except WandbError:
            shutil.rmtree(run.path)  # nothing has been trained: leave no run behind
            raise


def resume(run: Run, experiments: dict[str, Experiment], *, wandb: WandbMode | None = None) -> bool:
    """Go on with an unfinished run on its device, to the numbers it would have had; `wandb` None mirrors as before."""
    manifest = run.manifest()
    experiment = experiments.get(manifest["experiment"])
    if experiment is None:
        raise StoreError(
            f"run {run.id} is of the experiment {manifest['experiment']!r}, which this version does not know: "
            f"it knows {', '.join(experiments)}"
        )
    config = config_from_json(experiment.config_type, manifest["config"])
    if manifest["device"] == "cuda" and not torch.cuda.is_available():
        raise StoreError(f"run {run.id} was trained on a GPU and there is none here: resume it where there is one")
    torch.set_num_threads(manifest["threads"])  # sums split over other threads would round otherwise
    with run.lock():
        engine = experiment.build(config, manifest["seed"], torch.device(manifest["device"]))
        if saved := checkpoints(run):
            engine.step = load_checkpoint(saved[-1], engine.model, engine.optimiser)
        elif manifest["step"] > 0:
            raise StoreError(f"{run.checkpoints_path} is empty: restore it, or train anew beside it with --again")
        if engine.step > 0 and engine.probes and run.read_table().num_rows == 0:
            raise StoreError(f"{run.metrics_path} is missing: restore it, or train anew beside it with --again")
        return _drive(run, engine, wandb or manifest.get("wandb", "offline"))


def _drive(run: Run, engine: Engine, wandb: WandbMode) -> bool:
    manifest = run.manifest()
    first_step, started = engine.step, time.monotonic()
    mirror = None
    if wandb != "disabled":
        mirror = WandbMirror(
            run.path,
            mode=wandb,
            project=f"grok-{manifest['experiment']}",
            group=run.id,
            config=manifest["config"] | {"seed": manifest["seed"]},
            first_step=first_step,
        )
    recorder = Recorder(run, first_step=first_step, mirror=mirror)
    progress = Progress(first_step=first_step, last_step=engine.settle.last_step)
    last_save = started

    def save() -> None:
        recorder.save()
        save_checkpoint(run, engine.step, engine.model, engine.optimiser)
        wall = manifest["timings"]["wall_seconds"] + time.monotonic() - started
        timings = {"wall_seconds": round(wall, 1), "steps_per_second": round(engine.step / wall, 1)}
        run.update(step=engine.step, timings=timings)

    def on_block(rows: list[tuple[int, Row]]) -> None:
        nonlocal last_save
        progress.update(engine.step, engine.settle.last_step, rows)
        if time.monotonic() - last_save > SAVE_INTERVAL:
            save()
            last_save = time.monotonic()

    run.update(status="running", wandb=wandb, error=None)
    summary: dict[str, Any] = {}
    exit_code = 1
    try:
        with _interruptible() as interrupted:
            finished = engine.run(recorder, on_block, interrupted)
        save()
        if finished:
            summary = _summary(run)
        run.update(status="finished" if finished else "interrupted", summary=summary)
        exit_code = 0
    except KeyboardInterrupt:  # a second Ctrl-C: the last save is what to go on from
        run.update(status="interrupted")
        raise
    except Exception as error:
        _record_failure(run, recorder, error)
        raise
    finally:
        progress.close()
        if mirror:
            mirror.finish(summary, exit_code)
    return finished


def _summary(run: Run) -> dict[str, Any]:
    metrics = run.metrics()
    if metrics.empty:
        return {}
    last = metrics.iloc[-1].dropna()
    return {"events": events(metrics), "last": {"step": int(last.pop("step"))} | last.to_dict()}


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

    earlier = {each: signal.signal(each, on_signal) for each in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    try:
        yield lambda: received
    finally:
        for each, handler in earlier.items():
            signal.signal(each, handler)
