"""The command line. Errors are one line on stderr; exit status 0 done, 1 failed, 2 bad usage, 130 interrupted."""

import dataclasses
import functools
import json
import os
import shlex
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from grok.arguments import (
    BenchOptions,
    DashboardOptions,
    ExportOptions,
    FiguresOptions,
    ListOptions,
    ResumeOptions,
    ShowOptions,
    SweepOptions,
    TrainOptions,
    UsageError,
    check_sweep_options,
    check_train_options,
    choose,
    parse,
    value_of,
    with_config,
)
from grok.config import ConfigError
from grok.tracking.report import describe, list_table
from grok.tracking.store import Run, Store, StoreError

DONE, FAILED, BAD_USAGE, INTERRUPTED = 0, 1, 2, 130
STACK_ON_GPU = 64  # runs that train together there, if not said otherwise


def train(arguments: Sequence[str]) -> int:
    """Train an experiment: grok train EXPERIMENT [options]."""
    from grok.experiments import EXPERIMENTS
    from grok.experiments.driving import Setup
    from grok.experiments.many import train_many
    from grok.experiments.runner import find_existing, refuse_unfinished, start

    if not arguments or arguments[0] in ("-h", "--help"):
        print("usage: grok train EXPERIMENT [options]; `grok train EXPERIMENT --help` lists them\n")
        _print_table({name: experiment.description for name, experiment in EXPERIMENTS.items()})
        return DONE if arguments else BAD_USAGE
    name = arguments[0]
    experiment = choose("experiment", name, EXPERIMENTS)
    preset = choose("--preset", value_of("--preset", arguments, default="paper"), experiment.presets)
    options: TrainOptions = parse(
        with_config(experiment.config_type, tuple(experiment.presets)),
        f"train {name}",
        arguments[1:],
        default=TrainOptions(config=preset()),
    )
    seeds = check_train_options(options)
    config = options.config
    if options.steps is not None:
        config = dataclasses.replace(config, steps=options.steps)
    store = Store(options.runs)
    device = _device(options.device)
    setup = Setup(
        device=device,
        store=store,
        wandb=options.wandb,
        command=["grok", "train", *arguments],
        executor=_executor(options.executor, device, [config]),
        tf32=_tf32(options.tf32, device),
    )
    if seeds is not None:
        together = options.stack or (STACK_ON_GPU if device.type == "cuda" else 1)
        wanted = [(config, seed) for seed in seeds]
        runs, finished = train_many(experiment, wanted, setup, together=together, again=options.again)
        return _conclude_many(runs, finished, again=options.again)
    existing = None if options.again else find_existing(store, experiment, config, options.seed)
    if existing:
        refuse_unfinished(existing)
        print(f"This config and seed have a finished run; --again makes a new one beside it.\n\n{describe(existing)}")
        return DONE
    return _conclude(*start(experiment, [(config, options.seed)], setup, again=options.again))


def resume(arguments: Sequence[str]) -> int:
    """Go on with an interrupted run: grok resume RUN."""
    from grok.experiments import EXPERIMENTS
    from grok.experiments.runner import resume as resume_run

    options = parse(ResumeOptions, "resume", arguments)
    run = Store(options.runs).open(options.run)
    if run.manifest()["status"] == "finished":
        print(f"This run is finished.\n\n{describe(run)}")
        return DONE
    return _conclude(*resume_run(run, EXPERIMENTS, wandb=options.wandb))


def sweep(arguments: Sequence[str]) -> int:
    """Train many runs from one file: grok sweep FILE [options]."""
    from grok.experiments import EXPERIMENTS
    from grok.experiments.driving import Setup
    from grok.sweep.expand import expand
    from grok.sweep.file import find_sweep, read_sweep
    from grok.sweep.packs import existing_runs
    from grok.sweep.run import train_sweep
    from grok.sweep.table import plan_table, rows_of

    options = parse(SweepOptions, "sweep", arguments)
    check_sweep_options(options)
    file = read_sweep(find_sweep(options.file), EXPERIMENTS)
    wanted = expand(file)
    if options.dry_run:
        rows = rows_of(wanted, existing_runs(Store(options.runs), file.experiment.name), {})
        print(json.dumps([row.json() for row in rows], indent=2) if options.json else plan_table(rows))
        return DONE
    store = Store(options.runs.absolute())  # a cluster's workers are elsewhere
    device, launch = _launch(options, store)
    setup = Setup(
        device=device,
        store=store,
        wandb=options.wandb,
        command=["grok", "sweep", *arguments],
        executor=_executor(options.executor, device, [run.config for run in wanted]),
        tf32=_tf32(options.tf32, device),
    )
    together = options.stack or (STACK_ON_GPU if device.type == "cuda" else 1)
    rows, ended = train_sweep(file, wanted, setup, launch, together=together)
    return _conclude_sweep(rows, ended, options)


def list_runs(arguments: Sequence[str]) -> int:
    """List the runs: grok list [--json]."""
    options = parse(ListOptions, "list", arguments)
    manifests = [run.manifest() for run in Store(options.runs).runs()]
    if options.json:
        print(json.dumps(manifests, indent=2))
    elif not manifests:
        print(f"no runs in {options.runs}: `{_program()} train grokking` makes one")
    else:
        print(list_table(manifests))
    return DONE


def show(arguments: Sequence[str]) -> int:
    """Show one run: grok show RUN [--json]."""
    options = parse(ShowOptions, "show", arguments)
    run = Store(options.runs).open(options.run)
    print(json.dumps(run.manifest(), indent=2) if options.json else describe(run))
    return DONE


def export(arguments: Sequence[str]) -> int:
    """Copy finished runs, thinned, to share them: grok export [NAME ...] --to STORE."""
    from tqdm import tqdm

    from grok.tracking.export import export_run

    options = parse(ExportOptions, "export", arguments)
    if options.rows < 1:
        raise UsageError(f"--rows: expected a positive integer, got {options.rows}")
    wanted = _named(Store(options.runs), options.names)
    copied = 0
    for run in tqdm(wanted, desc="export", unit="run", leave=False):
        copied += export_run(run, options.to, rows=options.rows, columns=options.columns)[1]
    print(f"{copied} runs copied to {options.to}, {len(wanted) - copied} there already")
    return DONE


def _named(store: Store, names: Sequence[str]) -> list[Run]:
    """The finished runs of these sweeps and those with these names; all finished ones if there is no name."""
    finished = [run for run in store.runs() if run.manifest()["status"] == "finished"]
    if not names:
        return finished
    wanted: dict[str, Run] = {}
    for name in names:
        of_sweep = [run for run in finished if name in run.manifest().get("sweeps", [])]
        wanted |= {run.id: run for run in of_sweep or [store.open(name)]}
    return list(wanted.values())


def figures(arguments: Sequence[str]) -> int:
    """Draw figures from records: grok figures [NAME ...]."""
    from grok.figures import FIGURES, draw_figures

    options = parse(FiguresOptions, "figures", arguments)
    for name in options.names:
        choose("figure", name, FIGURES)
    written = draw_figures(options.names or tuple(FIGURES), options.runs, options.plots)
    if not written:
        if options.names == ("cost",):
            raise StoreError(f"no {options.runs}/cost.json to draw: `grok bench size --json` prints one")
        raise StoreError(f"no finished run in {options.runs} to draw: `grok train grokking` makes one")
    for path in written:
        print(path)
    return DONE


def dashboard(arguments: Sequence[str]) -> int:
    """Open a run's wandb mirror in the terminal: grok dashboard [RUN]."""
    options = parse(DashboardOptions, "dashboard", arguments)
    store = Store(options.runs)
    runs = [store.open(options.run)] if options.run else store.runs()
    mirrors = [run.path / "wandb" for run in runs if (run.path / "wandb").is_dir()]
    if not mirrors:
        raise StoreError(f"no run with a wandb mirror in {options.runs}: train one without --wandb disabled")
    return subprocess.run([sys.executable, "-m", "wandb", "leet", str(mirrors[-1])], check=False).returncode


def bench(arguments: Sequence[str]) -> int:
    """Measure time, memory and accuracy: grok bench [SECTION ...] [--json]."""
    from tqdm import tqdm

    from grok.bench import SECTIONS
    from grok.bench.targets import targets
    from grok.tracking.environment import describe_environment

    options = parse(BenchOptions, "bench", arguments)
    names = options.sections or tuple(SECTIONS)
    for name in names:
        choose("section", name, SECTIONS)
    device = _device(options.device)
    machine = describe_environment(device)
    with tqdm(desc="bench", bar_format="{desc}  {elapsed}", leave=False) as line:
        tables = {name: SECTIONS[name](device, line.set_description_str) for name in names}
    if reached := targets(tables, device):
        tables["targets"] = reached
    if options.json:
        measured = {name: table.json() for name, table in tables.items()}
        print(json.dumps({"machine": machine, "sections": measured}, indent=2))
    else:
        print(f"{machine['device_name']}, {machine['threads']} threads, torch {machine['versions']['torch']}", end="")
        print("; median of interleaved repeats, fastest to slowest in brackets")
        for table in tables.values():
            print(f"\n{table.markdown()}")
    return DONE


COMMANDS: dict[str, Callable[[Sequence[str]], int]] = {
    "train": train,
    "resume": resume,
    "sweep": sweep,
    "list": list_runs,
    "show": show,
    "export": export,
    "figures": figures,
    "dashboard": dashboard,
    "bench": bench,
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    debug = "--debug" in words
    words = [word for word in words if word != "--debug"]
    try:
        if not words or words[0] in ("-h", "--help"):
            print("usage: grok COMMAND [options]; `grok COMMAND --help` lists them\n")
            _print_table({name: command.__doc__ or "" for name, command in COMMANDS.items()})
            print("\n--debug shows the traceback of an error")
            return DONE if words else BAD_USAGE
        status: int = choose("command", words[0], COMMANDS)(words[1:])
        sys.stdout.flush()
        return status
    except BrokenPipeError:  # the reader of a pipe, such as head, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return DONE
    except KeyboardInterrupt:
        if debug:
            raise
        print("grok: interrupted", file=sys.stderr)
        return INTERRUPTED
    except (UsageError, ConfigError) as error:
        return _fail(error, BAD_USAGE, debug)
    except Exception as error:
        return _fail(error, FAILED, debug)


def _fail(error: Exception, status: int, debug: bool) -> int:
    if debug:
        raise error
    known = type(error).__module__.startswith("grok.")
    text = str(error) if known else f"{type(error).__name__}: {error} (--debug shows where)"
    text = " ".join(text.split()).replace("`grok ", f"`{_program()} ")
    print(f"grok: {text}", file=sys.stderr)
    return status


def _device(name: str) -> Any:
    import torch

    if name == "cuda" and not torch.cuda.is_available():
        raise UsageError("--device: expected a device that this machine has, got cuda: use --device cpu")
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    return torch.device(name)


def _launch(options: SweepOptions, store: Store) -> tuple[Any, Any]:
    """The device to train a sweep on, and what trains its packs there."""
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
    from grok.sweep.local import cores, train_locally

    device = _device(options.device)
    workers = options.workers or (1 if device.type == "cuda" else cores())
    # On a CPU a second thread of a small network mostly waits, and on busy cores it waits long.
    threads = max(1, cores() // workers) if device.type == "cuda" else 1
    return device, functools.partial(train_locally, workers=workers, threads=threads)


def _executor(name: str, device: Any, configs: Sequence[Any]) -> Any:
    if name == "graph" and device.type != "cuda":
        raise UsageError("--executor: expected eager or auto where there is no GPU, got graph")
    issued = [config.optimiser.rule for config in configs if not config.optimiser.can_be_captured]
    if name == "graph" and issued:
        raise UsageError(
            f"--executor: expected eager or auto with the rule {issued[0]}, whose update no graph can capture, "
            "got graph: use --executor eager"
        )
    if name == "auto":
        name = "graph" if device.type == "cuda" and not issued else "eager"
    return name


def _tf32(wanted: bool, device: Any) -> bool:
    if wanted and device.type != "cuda":
        raise UsageError("--tf32: expected a GPU to train on, got a CPU, which has no TF32: leave it out")
    return wanted


def _conclude(runs: Sequence[Run], finished: bool) -> int:
    if len(runs) > 1:
        return _conclude_many(runs, finished)
    (run,) = runs
    if not finished:
        command = f"{_program()} resume {shlex.quote(str(run.path))}"
        print(f"\nInterrupted at step {run.manifest()['step']:,}; all is saved. Go on with:\n    {command}")
        return INTERRUPTED
    if run.manifest()["status"] == "failed":
        print(f"grok: {run.manifest()['error']}", file=sys.stderr)
        return FAILED
    print(f"\n{describe(run)}\n\nNext, draw it:\n    {_program()} figures{_runs_flag(run)}")
    return DONE


def _conclude_many(runs: Sequence[Run], finished: bool, *, again: bool = False) -> int:
    manifests = [run.manifest() for run in runs]
    print(f"\n{list_table(manifests)}")
    failed = [manifest for manifest in manifests if manifest["status"] == "failed"]
    for manifest in failed:
        print(f"grok: {manifest['id']}: {manifest['error']}", file=sys.stderr)
    if not finished:
        print(f"\nInterrupted; all is saved. The same command{' without --again' if again else ''} goes on.")
        return INTERRUPTED
    print(f"\nNext, draw them:\n    {_program()} figures{_runs_flag(runs[0])}")
    return FAILED if failed else DONE


def _conclude_sweep(rows: Sequence[Any], ended: bool, options: SweepOptions) -> int:
    from grok.sweep.table import results_table

    failed = [row for row in rows if row.error or (ended and row.state != "finished")]
    for row in failed:
        print(f"grok: {row.name}: {row.error or row.state}", file=sys.stderr)
    print(json.dumps([row.json() for row in rows], indent=2) if options.json else f"\n{results_table(rows)}")
    if not ended:
        print("\nInterrupted; all is saved. The same command goes on.", file=sys.stderr)
        return INTERRUPTED
    if not options.json:
        flag = "" if options.runs == SweepOptions.runs else f" --runs {shlex.quote(str(options.runs))}"
        print(f"\nThe runs are in {options.runs}. Next, draw them:\n    {_program()} figures{flag}")
    return FAILED if failed else DONE


def _runs_flag(run: Run) -> str:
    """The flag that makes another command look into this run's store; none for the usual one."""
    root = run.path.parent.parent
    return "" if root == TrainOptions.runs else f" --runs {shlex.quote(str(root))}"


def _print_table(rows: dict[str, str]) -> None:
    for name, text in rows.items():
        print(f"    {name:<10} {text}")


def _program() -> str:
    """This program as it was called, so that printed commands can be pasted."""
    called = Path(sys.argv[0])
    if called.name == "__main__.py":
        return "python -m grok"
    return sys.argv[0] if called.name == "grok" else "grok"
