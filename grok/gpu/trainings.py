"""Parts that train whole runs in the store below the results, where a later call resumes what was not finished."""

import dataclasses
from collections.abc import Generator, Sequence
from statistics import median
from typing import Any

import torch

from grok.bench.measure import Figure, Row, Table
from grok.columns import SAMPLE_MIR, TEST_ACCURACY
from grok.config import ConfigError, GrokkingConfig, fastest_executor
from grok.experiment import experiment
from grok.experiments.driving import Setup
from grok.experiments.grokking import paper
from grok.experiments.many import stacks, train_many
from grok.gpu.job import RECORDS, FailedError, Job, LeftOutError, OutOfTimeError
from grok.tasks.images import DataFolder
from grok.tracking import Run, Store
from grok.tracking.export import export_run

TOO_LITTLE = 0.1  # fraction of all pairs on which no network groks, as in the sweep `controls-gpu`
ROWS = 20  # rows per decade of steps that the copies keep

Training = Generator[Table, None, str]


def paper_run(job: Job) -> Training:
    """Train one run of the `paper` preset to its end, with everything that it measures by default.

    Raises:
        OutOfTimeError: if it has not reached its end; a later call resumes it.
        FailedError: if its loss has diverged.
    """
    config = _paper(job)
    job.say(f"p = {config.task.modulus}, at most {config.steps:,} steps")
    (run,), finished = train_many(
        experiment("grokking"), [(config, 0)], _setup(job, [config]), together=1, stop=job.stopped
    )
    manifest = run.manifest()
    yield Table(f"one run at p = {config.task.modulus}, with everything that is measured by default", [_row(run)])
    _check([run], finished)
    export_run(run, job.out / RECORDS, rows=ROWS)
    return _grokked(manifest)


def controls(job: Job) -> Training:
    """Train grokking runs, and controls that cannot grok, in as few stacks as possible, over several seeds.

    The controls are weight decay 0, too little data, and random labels. Random labels are another task, of which the
    probes measure other things, so its seeds are a stack of their own.

    Raises:
        OutOfTimeError: if some have not reached their end; a later call resumes them.
        FailedError: if a loss has diverged.
    """
    kinds = kinds_of_control(_paper(job), job.sizes.control_steps)
    wanted = [(config, seed) for config in kinds.values() for seed in range(job.sizes.control_seeds)]
    grokking = experiment("grokking")
    together = len(stacks(grokking, wanted, len(wanted), config=lambda each: each[0]))
    job.say(f"{len(wanted)} runs in {together} stacks")
    runs, finished = train_many(
        grokking, wanted, _setup(job, list(kinds.values())), together=len(wanted), stop=job.stopped
    )
    store = Store(job.out / "runs")
    rows: list[Row] = []
    for kind, config in kinds.items():
        found = [
            run
            for seed in range(job.sizes.control_seeds)
            for run in store.find(experiment=grokking.name, config=config, seed=seed)
        ]
        if found:
            rows.append({"kind": kind} | _summary(found))
    yield Table(f"runs at p = {job.sizes.modulus} by kind, in {together} stacks", rows)
    _check(runs, finished)
    for run in runs:
        export_run(run, job.out / RECORDS, rows=ROWS)
    return f"{len(runs)} runs in {together} stacks"


def kinds_of_control(main: GrokkingConfig, steps: int) -> dict[str, GrokkingConfig]:
    """Return the config that groks, and the three controls of `steps` steps, as the sweep `controls-gpu` has them."""
    short = dataclasses.replace(main, steps=steps)
    return {
        "grokking": main,
        "weight decay 0": dataclasses.replace(short, optimiser=dataclasses.replace(main.optimiser, weight_decay=0.0)),
        "random labels": dataclasses.replace(short, task=dataclasses.replace(main.task, operation="random")),
        "too little data": dataclasses.replace(short, task=dataclasses.replace(main.task, train_fraction=TOO_LITTLE)),
    }


def preset(job: Job) -> Training:
    """Train as much of a preset of supervised training as fits into the time that is left; a later call goes on.

    Raises:
        LeftOutError: if its data set is not there; the message says how to provide it.
        FailedError: if its loss has diverged.
    """
    supervised = experiment("supervised")
    config = supervised.presets[job.sizes.preset]()
    if job.sizes.preset_steps is not None:
        config = dataclasses.replace(config, steps=job.sizes.preset_steps)
    setup = _setup(job, [config])
    job.say(f"preset {job.sizes.preset}, {config.steps:,} steps")
    try:
        (run,), finished = train_many(supervised, [(config, 0)], setup, together=1, stop=job.stopped)
    except (ConfigError, ModuleNotFoundError) as error:  # no files, or no package that makes the data
        raise LeftOutError(f"no data: {error}") from error
    samples = run.manifest()["timings"].get("steps_per_second", 0.0) * config.batch_size
    row = _row(run) | {"samples a second, measurements included": Figure(samples, ",.0f")}
    yield Table(f"preset `{job.sizes.preset}` of supervised training, in {config.precision}", [row])
    _check([run], True)
    if finished:
        export_run(run, job.out / RECORDS, rows=ROWS)
        return f"all {config.steps:,} steps"
    return f"{run.manifest()['step']:,} of {config.steps:,} steps; to go on: python -m grok resume {run.path}"


def _paper(job: Job) -> GrokkingConfig:
    """Return the `paper` preset at the sizes of the job, with a sample that fits into its smallest split."""
    task = dataclasses.replace(paper().task, modulus=job.sizes.modulus)
    least = dataclasses.replace(task, train_fraction=TOO_LITTLE).train_size
    probes = dataclasses.replace(paper().probes, sample_size=min(paper().probes.sample_size, least))
    steps = paper().steps if job.sizes.run_steps is None else job.sizes.run_steps
    return dataclasses.replace(paper(), task=task, probes=probes, steps=steps)


def _setup(job: Job, configs: Sequence[Any]) -> Setup:
    return Setup(
        device=torch.device(job.device),
        store=Store(job.out / "runs"),
        wandb="disabled",
        command=["python", "-m", "grok.gpu", "--device", job.device],
        executor=fastest_executor(job.device, configs),
        data=DataFolder(path=job.data),
    )


def _check(runs: Sequence[Run], finished: bool) -> None:
    manifests = [run.manifest() for run in runs]
    if failed := [manifest for manifest in manifests if manifest["status"] == "failed"]:
        raise FailedError(f"{failed[0]['id']}: {failed[0]['error']}")
    if not finished:
        steps = ", ".join(f"{manifest['step']:,}" for manifest in manifests[:1])
        raise OutOfTimeError(f"at step {steps}; the same command goes on")


def _row(run: Run) -> Row:
    manifest = run.manifest()
    last = run.last_row()
    return {
        "run": run.name,
        "state": manifest["status"],
        "steps": manifest["step"],
        "test accuracy": _figure(last.get(TEST_ACCURACY), ".1%"),
        "MIR of test samples": _figure(last.get(SAMPLE_MIR), ".3f"),
        "time": Figure(manifest["timings"]["wall_seconds"], ".1f", " s"),
        "steps a second": _figure(manifest["timings"].get("steps_per_second"), ",.0f"),
    }


def _summary(runs: Sequence[Run]) -> Row:
    """Return how many runs finished and grokked, with medians over those whose number is known."""
    manifests = [run.manifest() for run in runs]
    steps = [at for manifest in manifests if (at := grokked_at(manifest)) is not None]
    mir = [run.last_row()[SAMPLE_MIR] for run in runs if run.last_row().get(SAMPLE_MIR) is not None]
    return {
        "runs": len(runs),
        "finished": sum(manifest["status"] == "finished" for manifest in manifests),
        "grokked": len(steps),
        "grokked at (median)": Figure(median(steps), ",.0f") if steps else "-",
        "MIR of test samples at the end (median)": _figure(median(mir) if mir else None, ".3f"),
    }


def grokked_at(manifest: dict[str, Any]) -> int | None:
    """Return the step at which a finished run grokked, or None."""
    at: int | None = manifest["summary"].get("events", {}).get("grokked")
    return at


def _grokked(manifest: dict[str, Any]) -> str:
    at = grokked_at(manifest)
    return f"has not grokked by step {manifest['step']:,}" if at is None else f"grokked at step {at:,}"


def _figure(value: float | None, spec: str) -> Figure | str:
    return "-" if value is None else Figure(value, spec)
