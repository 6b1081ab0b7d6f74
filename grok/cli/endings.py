"""The end of a command: its exit status, its last message, and the command to type next."""

import json
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from grok.cli.options import SweepOptions, TrainOptions
from grok.report import describe, list_table
from grok.tracking import Run

DONE, FAILED, BAD_USAGE, INTERRUPTED = 0, 1, 2, 130


def conclude(runs: Sequence[Run], finished: bool) -> int:
    """Report how one run, or several in a stack, ended, and return the exit status."""
    if len(runs) > 1:
        return conclude_many(runs, finished)
    (run,) = runs
    if not finished:
        command = f"{program()} resume {shlex.quote(str(run.path))}"
        print(f"\nInterrupted at step {run.manifest()['step']:,}; everything is saved. To continue:\n    {command}")
        return INTERRUPTED
    if run.manifest()["status"] == "failed":
        print(f"grok: {run.manifest()['error']}", file=sys.stderr)
        return FAILED
    print(f"\n{describe(run)}\n\nNext, draw it:\n    {program()} figures{_runs_flag(run)}")
    return DONE


def conclude_many(runs: Sequence[Run], finished: bool, *, again: bool = False) -> int:
    """Report how several runs ended, and return the exit status.

    `again` says that they are new runs beside existing ones with the same settings.
    """
    manifests = [run.manifest() for run in runs]
    print(f"\n{list_table(manifests)}")
    failed = [manifest for manifest in manifests if manifest["status"] == "failed"]
    for manifest in failed:
        print(f"grok: {manifest['experiment']}/{manifest['id']}: {manifest['error']}", file=sys.stderr)
    if not finished:
        command = f"the same command{' without --again' if again else ''}"
        print(f"\nInterrupted; everything is saved. To continue, run {command} again.")
        return INTERRUPTED
    if any(manifest["status"] == "finished" for manifest in manifests):
        print(f"\nNext, draw them:\n    {program()} figures{_runs_flag(runs[0])}")
    return FAILED if failed else DONE


def conclude_sweep(rows: Sequence[Any], ended: bool, options: SweepOptions) -> int:
    """Report how a sweep ended, from a row for each of its runs, and return the exit status."""
    from grok.sweep.table import results_table

    failed = [row for row in rows if row.error or (ended and row.state != "finished")]
    for row in failed:
        print(f"grok: {row.name}: {row.error or row.state}", file=sys.stderr)
    print(json.dumps([row.json() for row in rows], indent=2) if options.json else f"\n{results_table(rows)}")
    if not ended:
        print("\nInterrupted; everything is saved. To continue, run the same command again.", file=sys.stderr)
        return INTERRUPTED
    if not options.json and any(row.state == "finished" for row in rows):
        flag = "" if options.runs == SweepOptions.runs else f" --runs {shlex.quote(str(options.runs))}"
        print(f"\nThe runs are in {options.runs}. Next, draw them:\n    {program()} figures{flag}")
    return FAILED if failed else DONE


def _runs_flag(run: Run) -> str:
    """Return the flag that makes another command read this run's store; it is empty for the default store."""
    root = run.path.parent.parent
    return "" if root == TrainOptions.runs else f" --runs {shlex.quote(str(root))}"


def print_table(rows: dict[str, str]) -> None:
    """Print names that can be typed, each with its description."""
    width = max(map(len, rows))
    for name, text in rows.items():
        print(f"    {name:<{width}}  {text}")


def program() -> str:
    """Return the name by which this program was called, so that printed commands can be pasted."""
    called = Path(sys.argv[0])
    if called.name == "__main__.py":
        return "python -m grok"
    return sys.argv[0] if called.name == "grok" else "grok"
