"""Parts that time: a step, its measurements, its record, stacks, spectra and images.

Every measurement is written down before the next one begins. Matrix products are in float32 without TF32, and the loss
is in float64, unless a row says otherwise.
"""

import dataclasses
import gc
import importlib.util
import time
from collections.abc import Generator
from typing import Literal

import torch

from grok.bench.image_training import NETWORKS, image_engine, random_task
from grok.bench.information import spectra as time_spectra
from grok.bench.measure import ENDLESS, Figure, Row, Table, interleaved
from grok.bench.training import ALL_ALWAYS, NOTHING, PAIRINGS, cost_of_recording, next_steps, only, scratch_run
from grok.config import (
    ClassifierProbesConfig,
    ExecutorName,
    GrokkingConfig,
    ImageModelConfig,
    ProbesConfig,
    SupervisedConfig,
    fastest_executor,
)
from grok.experiment import experiment
from grok.experiments.grokking import paper
from grok.gpu.job import Job
from grok.gpu.sizes import Sizes
from grok.training.engine import Engine
from grok.training.executor import EXECUTORS

NO_GRAPHS = "a CPU has no CUDA graphs, so steps are eager"

Precision = Literal["float32", "bfloat16"]

Measuring = Generator[Table, None, str]


def transformer(sizes: Sizes, probes: ProbesConfig = NOTHING) -> GrokkingConfig:
    """Return the `paper` preset at these sizes, with these probes, for an endless training."""
    task = dataclasses.replace(paper().task, modulus=sizes.modulus)
    sampled = min(probes.sample_size, task.train_size, task.test_size)
    return dataclasses.replace(
        paper(), task=task, probes=dataclasses.replace(probes, sample_size=sampled), steps=ENDLESS, settle=None
    )


def engine(
    config: GrokkingConfig, device: torch.device, *, members: int = 1, executor: ExecutorName | None = None
) -> Engine:
    """Return an engine for a stack of seeds, with the fastest executor if none is named."""
    how = EXECUTORS[executor or fastest_executor(device.type, [config])]
    return Engine([experiment("grokking").build(config, seed, device) for seed in range(members)], executor=how)


def step(job: Job) -> Measuring:
    """Time a full-batch step with nothing measured, and the same step with other precisions or another executor."""
    device, steps = torch.device(job.device), job.sizes.steps
    config = transformer(job.sizes)
    variants: dict[str, tuple[GrokkingConfig, ExecutorName | None, bool]] = {
        "training step": (config, None, False),
        "training step, loss in float32": (dataclasses.replace(config, loss_dtype="float32"), None, False),
    }
    if job.device == "cuda":
        variants["training step, products in TF32"] = config, None, True
        variants["training step, issued from Python"] = config, "eager", False
    title = f"a full-batch step at p = {job.sizes.modulus} with nothing measured, {how(job)}"
    for name, (varied, executor, tf32) in job.each(variants):
        torch.set_float32_matmul_precision("high" if tf32 else "highest")
        with scratch_run() as run:
            task = next_steps(engine(varied, device, executor=executor), run, steps)
            timing, _ = interleaved({name: task}, device, repeats=job.sizes.repeats)[name]
        rate = name.replace("training step", "steps a second")
        yield Table(
            title,
            [
                {"figure": name, "measured": timing.divided(steps)},
                {"figure": rate, "measured": Figure(steps / timing.median, ",.0f")},
            ],
        )
    return without_gpu(job, NO_GRAPHS)


def probes(job: Job) -> Measuring:
    """Time what each pairing, and all three, add to a step, on both splits."""
    device, steps = torch.device(job.device), job.sizes.measured_steps
    settings = {ALL_ALWAYS: only(*PAIRINGS, every=1), f"{ALL_ALWAYS} every 10 steps": only(*PAIRINGS, every=10)}
    settings |= {f"{name} every step": only(name, every=1) for name in PAIRINGS}
    title = f"a step at p = {job.sizes.modulus} with probes on train and test, {how(job)}"
    with scratch_run() as run:
        bare = next_steps(engine(transformer(job.sizes), device), run, steps)
        for name, measured in job.each(settings):
            tasks = {"none": bare, name: next_steps(engine(transformer(job.sizes, measured), device), run, steps)}
            (without, _), (timing, _) = interleaved(tasks, device, repeats=job.sizes.repeats).values()
            yield Table(
                title,
                [
                    {
                        "measured": name,
                        "step": timing.divided(steps),
                        "step without": without.divided(steps),
                        "added time": Figure(timing.median / without.median - 1, ".1%"),
                    }
                ],
            )
    return without_gpu(job, NO_GRAPHS)


def recording(job: Job) -> Measuring:
    """Time what store and recorder add to a run with the default probes, and a wandb mirror if wandb is installed."""
    device, steps = torch.device(job.device), job.sizes.measured_steps
    config = transformer(job.sizes, ProbesConfig())
    mirrored = importlib.util.find_spec("wandb") is not None
    job.say(f"{steps} steps with the default probes")
    bare, recorded = (engine(config, device) for _ in range(2))
    rows = cost_of_recording(bare, recorded, steps=steps, repeats=job.sizes.repeats, with_mirror=mirrored)
    yield Table(f"the store at p = {job.sizes.modulus}, {how(job)}", rows)
    return "" if mirrored else "without a mirror, as wandb is not installed"


def stack(job: Job) -> Measuring:
    """Measure the member-steps a second of stacks of seeds."""
    device, steps = torch.device(job.device), job.sizes.stacked_steps
    config = transformer(job.sizes)
    title = f"stacks of seeds at p = {job.sizes.modulus} with nothing measured, {how(job)}"
    single = 0.0
    for _, count in job.each({f"{count} members": count for count in job.sizes.members}):
        gc.collect()  # the stack before
        began = time.monotonic()
        stacked = engine(config, device, members=count)
        built = time.monotonic() - began
        if device.type == "cuda":
            torch.cuda.reset_peak_memory_stats(device)
        with scratch_run() as run:
            task = next_steps(stacked, run, steps)
            timing, _ = interleaved({"": task}, device, repeats=job.sizes.repeats)[""]
        rate = count * steps / timing.median
        single = single or rate / count
        row: Row = {
            "p": job.sizes.modulus,
            "members": count,
            "step of the stack": timing.divided(steps),
            "member-steps a second": Figure(rate, ",.0f"),
            "times the first row": Figure(rate / single, ".2f"),
            "building it": Figure(built, ".1f", " s"),
        }
        if device.type == "cuda":
            row["most memory"] = Figure(torch.cuda.max_memory_allocated(device) / 2**30, ".1f", " GiB")
        yield Table(title, [row])
    return without_gpu(job, NO_GRAPHS)


def spectra(job: Job) -> Measuring:
    """Time the entropies of many matrices by eigenvalues and by determinants, as `grok bench spectra` does."""
    yield time_spectra(torch.device(job.device), job.say)
    return ""


def images(job: Job) -> Measuring:
    """Measure the samples a second of a wide residual network in every combination of precision, graphs and compiling.

    Images are random, with crop and flip. The compiled combinations come last, since compiling takes about a minute.
    """
    device, steps, sizes = torch.device(job.device), job.sizes.image_steps, job.sizes
    shape, task, _ = NETWORKS["CIFAR, wide-resnet-28-2"]
    data = random_task(shape)
    executors: tuple[ExecutorName, ...] = ("graph", "eager") if job.device == "cuda" else ("eager",)
    precisions: tuple[Precision, ...] = ("bfloat16", "float32")
    combinations = {
        f"{precision}, {executor}{', compiled' if compiled else ''}": (precision, executor, compiled)
        for compiled in (False, True)
        for executor in executors
        for precision in precisions
    }
    title = f"a step of WideResNet-{sizes.depth}-{sizes.width} on {sizes.batch_size} images, nothing measured"
    for _, (precision, executor, compiled) in job.each(combinations):
        began = time.monotonic()
        config = SupervisedConfig(
            task=task,
            model=ImageModelConfig(network="wide-resnet", depth=sizes.depth, width=sizes.width),
            batch_size=sizes.batch_size,
            precision=precision,
            probes=ClassifierProbesConfig.only(),
            steps=ENDLESS,
        )
        with scratch_run() as run:
            trained = image_engine(config, data, device, executor=executor, compiled=compiled)
            train = next_steps(trained, run, steps)
            train()
            ready = time.monotonic() - began
            timing, _ = interleaved({"": train}, device, repeats=sizes.repeats)[""]
        row: Row = {
            "precision": precision,
            "executor": executor,
            "compiled": "yes" if compiled else "no",
            "step": timing.divided(steps),
            "samples a second": Figure(sizes.batch_size * steps / timing.median, ",.0f"),
            "until its first steps": Figure(ready, ".1f", " s"),
        }
        yield Table(title, [row])
    return without_gpu(job, NO_GRAPHS)


def how(job: Job) -> str:
    """Return the arithmetic and the executor that all rows of a table share unless they say otherwise."""
    executor = "captured in a CUDA graph" if job.device == "cuda" else "eager"
    return f"products in float32 without TF32, loss in float64, {executor}"


def without_gpu(job: Job, note: str) -> str:
    """Return the note where there is no GPU, and nothing where there is one."""
    return "" if job.device == "cuda" else note
