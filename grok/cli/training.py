"""The commands that train: train, resume, sweep."""

import dataclasses
import functools
import json
from collections.abc import Sequence
from typing import Any

from grok.arguments import UsageError, choose, parse, refuse_both, value_of
from grok.cli.devices import (
    choose_compile,
    choose_device,
    choose_executor,
    choose_stack,
    choose_tf32,
    workers_and_threads,
)
from grok.cli.endings import BAD_USAGE, DONE, conclude, conclude_many, conclude_sweep, print_table
from grok.cli.options import (
    ResumeOptions,
    SetupOptions,
    SweepOptions,
    TrainOptions,
    check_sweep_options,
    check_threads,
    check_train_options,
    with_config,
)
from grok.config import Schedule
from grok.experiment import experiments
from grok.report import describe
from grok.tracking import Store


def train(arguments: Sequence[str]) -> int:
    """Train an experiment: grok train EXPERIMENT [options]."""
    from grok.experiments.many import train_many
    from grok.experiments.runner import find_existing, refuse_unfinished, start

    if not arguments or arguments[0] in ("-h", "--help"):
        print("usage: grok train EXPERIMENT [options]; `grok train EXPERIMENT --help` lists them\n")
        print_table({name: experiment.description for name, experiment in experiments().items()})
        return DONE if arguments else BAD_USAGE
    name = arguments[0]
    experiment = choose("experiment", name, experiments())
    preset_name = value_of("--preset", arguments, default=experiment.default_preset)
    preset = choose("--preset", preset_name, experiment.presets)
    refuse_both("--steps", "--config.steps", arguments)
    options: TrainOptions = parse(
        with_config(experiment.config_type, tuple(experiment.presets)),
        f"train {name}",
        arguments[1:],
        default=TrainOptions(config=preset(), preset=preset_name),
    )
    seeds = check_train_options(options)
    config = options.config
    if options.steps is not None:
        config = dataclasses.replace(config, steps=options.steps)
    store = Store(options.runs)
    device = choose_device(options.device)
    setup = _setup(options, device, store, [config], ["grok", "train", *arguments])
    if seeds is not None:
        together = choose_stack(options.stack, device, on_gpu=experiment.together, compiled=options.compile)
        wanted = [(config, seed) for seed in seeds]
        runs, finished = train_many(experiment, wanted, setup, together=together, again=options.again)
        return conclude_many(runs, finished, again=options.again)
    existing = None if options.again else find_existing(store, experiment, config, options.seed)
    if existing:
        refuse_unfinished(existing)
        print(f"A finished run has this config and seed; --again makes a new one beside it.\n\n{describe(existing)}")
        return DONE
    return conclude(*start(experiment, [(config, options.seed)], setup, again=options.again))


def resume(arguments: Sequence[str]) -> int:
    """Resume an interrupted run: grok resume RUN."""
    from grok.experiments.runner import resume as resume_run
    from grok.tasks.images import DataFolder

    options = parse(ResumeOptions, "resume", arguments)
    check_threads(options.threads)
    run = Store(options.runs).open(options.run)
    if run.manifest()["status"] == "finished":
        print(f"This run is finished.\n\n{describe(run)}")
        return DONE
    data = None if options.data is None else DataFolder(path=options.data, download=options.download)
    return conclude(*resume_run(run, wandb=options.wandb, data=data, threads=options.threads, advised=True))


def sweep(arguments: Sequence[str]) -> int:
    """Train many runs from one file: grok sweep FILE [options]."""
    from grok.sweep.expand import expand
    from grok.sweep.file import find_sweep, read_sweep
    from grok.sweep.packs import existing_runs
    from grok.sweep.run import check_data, train_sweep
    from grok.sweep.table import plan_table, rows_of

    options = parse(SweepOptions, "sweep", arguments)
    check_sweep_options(options)
    file = read_sweep(find_sweep(options.file), experiments())
    wanted = expand(file)
    if options.dry_run:
        rows = rows_of(file.experiment, wanted, existing_runs(Store(options.runs), file.experiment.name), {})
        print(json.dumps([row.json() for row in rows], indent=2) if options.json else plan_table(rows))
        return DONE
    store = Store(options.runs.absolute())  # workers of a cluster have other working folders
    device, launch = _launch(options, store)
    setup = _setup(options, device, store, [run.config for run in wanted], ["grok", "sweep", *arguments])
    if options.threads == "auto":  # then the workers know how many
        setup = dataclasses.replace(setup, threads=None)
    together = choose_stack(options.stack, device, on_gpu=file.experiment.together, compiled=options.compile)
    if options.scheduler == "local":  # the workers of a cluster find their data themselves
        check_data(file.experiment, wanted, setup)
    rows, ended = train_sweep(file, wanted, setup, launch, together=together)
    return conclude_sweep(rows, ended, options)


def _setup(options: SetupOptions, device: Any, store: Store, configs: Sequence[Any], command: list[str]) -> Any:
    from grok.experiments.driving import Setup
    from grok.tasks.images import DataFolder

    Schedule.parse(options.weights, name="--weights")
    return Setup(
        device=device,
        store=store,
        wandb=options.wandb,
        command=command,
        executor=choose_executor(options.executor, device, configs),
        threads=options.threads,
        weights=options.weights,
        tf32=choose_tf32(options.tf32, device),
        compile=choose_compile(options.compile, options.stack, configs),
        data=DataFolder(path=options.data, download=options.download),
    )


def _launch(options: SweepOptions, store: Store) -> tuple[Any, Any]:
    """Return the device to train a sweep on, and the function that trains its packs there."""
    import torch

    if options.scheduler != "local":
        from grok.sweep.cluster import connect, device_of, train_on_cluster

        client = connect(options.scheduler)
        available = device_of(client, store)
        if options.device == "cuda" and available == "cpu":
            raise UsageError("--device: expected a device that all workers have, got cuda: use --device cpu")
        return torch.device(available if options.device == "auto" else options.device), functools.partial(
            train_on_cluster, client=client
        )
    from grok.sweep.local import train_locally

    device = choose_device(options.device)
    workers, threads = workers_and_threads(options.workers, options.threads, device)
    return device, functools.partial(train_locally, workers=workers, threads=threads)
