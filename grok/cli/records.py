"""The commands that read the store: list, show, export, figures, dashboard."""

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from grok.arguments import UsageError, choose, parse
from grok.cli.endings import DONE, program
from grok.cli.options import DashboardOptions, ExportOptions, FiguresOptions, ListOptions, ShowOptions
from grok.experiment import experiments
from grok.report import describe, list_table
from grok.tracking import Run, Store, StoreError
from grok.tracking.drawn import Drawn
from grok.tracking.store import REFERENCE

Manifest = dict[str, Any]

HELP = "`grok figures --help` says which runs each figure needs"


def list_runs(arguments: Sequence[str]) -> int:
    """List the runs: grok list [--json]."""
    options = parse(ListOptions, "list", arguments)
    store = Store(options.runs)
    manifests = list(store.manifests().values())
    if options.json:
        print(json.dumps(manifests, indent=2))
    elif not manifests:
        print(f"no runs in {options.runs}: `{program()} train grokking` makes one{store.reference()}")
    else:
        print(list_table(manifests, sizes=_sizes(store) if options.sizes else None))
    return DONE


def _sizes(store: Store) -> dict[str, tuple[int, int]]:
    """Return the bytes of each run and of its kept networks, by the name of the run."""
    return {run.name: (run.size(), run.size("weights")) for run in store.runs()}


def show(arguments: Sequence[str]) -> int:
    """Show one run, or the runs of a sweep: grok show RUN|SWEEP [--json]."""
    options = parse(ShowOptions, "show", arguments)
    store = Store(options.runs)
    is_run = (Path(options.run) / "run.json").exists()
    of_sweep = {} if is_run else _of_sweep(store.manifests(), options.run)
    if of_sweep:
        manifests = list(of_sweep.values())
        print(json.dumps(manifests, indent=2) if options.json else list_table(manifests))
        return DONE
    run = store.open(options.run)
    print(json.dumps(run.manifest(), indent=2) if options.json else describe(run))
    return DONE


def export(arguments: Sequence[str]) -> int:
    """Copy finished runs with fewer rows, to share them: grok export [NAME ...] --to STORE."""
    from tqdm import tqdm

    from grok.tracking.export import export_run

    options = parse(ExportOptions, "export", arguments)
    if options.rows < 1:
        raise UsageError(f"--rows: expected a positive integer, got {options.rows}")
    store = Store(options.runs)
    wanted = _named(store, options.names)
    sweeps = options.names or None
    copied = 0
    for run in tqdm(wanted, desc="export", unit="run", leave=False):
        known = experiments().get(run.manifest()["experiment"])
        copied += export_run(
            run,
            options.to,
            rows=options.rows,
            columns=options.columns,
            phase_columns=known.phase_columns if known else (),
            sweeps=sweeps,
        )[1]
    elsewhere = "" if wanted or store.runs() else store.reference()
    print(f"{copied} runs copied to {options.to}, {len(wanted) - copied} there already{elsewhere}")
    return DONE


def _named(store: Store, names: Sequence[str]) -> list[Run]:
    """Return the finished runs with these names or of these sweeps, or all finished runs if there is no name."""
    finished = {run: manifest for run, manifest in store.manifests().items() if manifest["status"] == "finished"}
    if not names:
        return list(finished)
    wanted: dict[Path, Run] = {}
    for name in names:
        wanted |= {run.path.resolve(): run for run in _of_sweep(finished, name) or [store.open(name)]}
    return list(wanted.values())


def _of_sweep(runs: Mapping[Run, Manifest], name: str) -> dict[Run, Manifest]:
    """Return the runs whose manifests name this sweep; only finished runs name their sweeps."""
    return {run: manifest for run, manifest in runs.items() if name in manifest.get("sweeps", [])}


def figures(arguments: Sequence[str]) -> int:
    """Draw figures from records: grok figures [NAME ...] [--again]."""
    if not {"-h", "--help"} & set(arguments):
        options = parse(FiguresOptions, "figures", arguments)
        kept = None if options.again else Drawn(options.runs, options.plots, experiments()).kept(options.names)
        if kept:  # decided without the libraries that draw, which take seconds to import
            print(_kept(kept))
            return DONE
    from grok.figures import draw_figures, figure_kinds

    kinds = figure_kinds()
    listed = "\n\n".join(f"{name}: {kind.about}" for name, kind in kinds.items())
    about = f"{FiguresOptions.__doc__}\n\nWhat each figure is drawn of:\n\n{listed}"
    options = parse(FiguresOptions, "figures", arguments, description=about)
    for name in options.names:
        choose("figure", name, kinds)
    wanted = [kinds[name] for name in options.names or kinds]
    try:
        written = draw_figures(wanted, options.runs, options.plots, again=options.again)
    except OSError as error:
        why = error.strerror or error
        raise StoreError(
            f"--plots: cannot write figures into {options.plots} ({why}): mend it, or choose another"
        ) from error
    if not any(written):
        raise StoreError(_nothing_drawn(options))
    for path in written.files:
        print(path)
    if written.kept:
        print(_kept(written.kept))
    return DONE


def _kept(number: int) -> str:
    """Return the line about figures that were not drawn again."""
    are = "1 figure is" if number == 1 else f"{number} figures are"
    return f"{are} up to date (`{program()} figures --again` draws them anew)"


def _nothing_drawn(options: FiguresOptions) -> str:
    """Return the message that says why no figure was drawn."""
    if options.names == ("cost",):
        return f"no {options.runs}/cost.json to draw: `grok bench size --json` prints one"
    stores = (Store(options.runs), Store(options.runs / REFERENCE))
    finished = sum(manifest["status"] == "finished" for store in stores for manifest in store.manifests().values())
    wanted = f" as {', '.join(options.names)}" if options.names else ""
    if finished:
        are = "1 finished run is" if finished == 1 else f"{finished} finished runs are"
        return f"nothing to draw{wanted}: {are} in {options.runs}, and {HELP}"
    make = (
        "`grok figures --help` says which runs each figure needs"
        if options.names
        else "`grok train grokking` makes one"
    )
    return f"no finished run in {options.runs} to draw{wanted}: {make}"


def dashboard(arguments: Sequence[str]) -> int:
    """Open a run's wandb mirror in the terminal: grok dashboard [RUN]."""
    options = parse(DashboardOptions, "dashboard", arguments)
    store = Store(options.runs)
    runs = [store.open(options.run)] if options.run else store.runs()
    mirrors = [run.path / "wandb" for run in runs if (run.path / "wandb").is_dir()]
    if not mirrors:
        raise StoreError(f"no run with a wandb mirror in {options.runs}: train one without --wandb disabled")
    return subprocess.run([sys.executable, "-m", "wandb", "leet", str(mirrors[-1])], check=False).returncode
