"""Descriptions of runs for a terminal: the list of runs, and one run with its outcome."""

import math
import shlex
from collections.abc import Mapping, Sequence
from typing import Any

from grok.analysis.report import cell, events_in_words
from grok.columns import TEST_ACCURACY
from grok.experiment import experiments
from grok.tracking import Run
from grok.tracking.duration import duration_in_words


def list_table(manifests: Sequence[dict[str, Any]], *, sizes: Mapping[str, tuple[int, int]] | None = None) -> str:
    """Return a table with one line per run: `experiment/id`, status, step and final test accuracy.

    If the experiment of some runs may grok, the table also has the step at which each of these runs grokked. `sizes`
    are the bytes of each run and of its kept networks, which are then shown in MiB.
    """
    grokking = any(_groks(manifest) for manifest in manifests)
    names = [f"{manifest['experiment']}/{manifest['id']}" for manifest in manifests]
    width = max(map(len, ["run", *names]))
    header = f"{'run':<{width}}  {'status':<11}  {'step':>7}  {'test accuracy':>13}"
    header += f"  {'grokked at':>10}" if grokking else ""
    lines = [header + (f"  {'MiB':>8}  {'networks':>8}" if sizes else "")]
    for name, manifest in zip(names, manifests, strict=True):
        accuracy = manifest["summary"].get("last", {}).get(TEST_ACCURACY, math.nan)
        line = f"{name:<{width}}  {manifest['status']:<11}  {manifest['step']:>7}  {cell(accuracy, '.1%'):>13}"
        grokked = manifest["summary"].get("events", {}).get("grokked") if _groks(manifest) else None
        line += f"  {'-' if grokked is None else grokked:>10}" if grokking else ""
        lines.append(line + ("".join(f"  {size / 2**20:>8.1f}" for size in sizes[name]) if sizes else ""))
    return "\n".join(lines)


def describe(run: Run) -> str:
    """Describe a run: its state, the path of its record and, once it has finished, its outcome."""
    manifest = run.manifest()
    spent = duration_in_words(manifest["timings"]["wall_seconds"])
    lines = [
        f"run      {run.path}",
        f"status   {manifest['status']} at step {manifest['step']:,} after {spent} on {manifest['device']}",
        f"command  {shlex.join(manifest['command'])}  (seed {manifest['seed']}, config {manifest['config_hash']})",
        f"record   {run.metrics_path}",
    ]
    if len(changes := manifest.get("threads_by_step", [])) > 1:
        (_, first), *later = changes
        lines.append(f"threads  {first}{''.join(f', from step {step:,} on {threads}' for step, threads in later)}")
    if manifest["status"] == "failed":
        lines.append(f"error    {manifest['error']}")
    if manifest["summary"]:
        known = experiments().get(manifest["experiment"])
        lines += ["", *(known.outcome(run) if known else events_in_words(manifest["summary"], groks=False))]
    return "\n".join(lines)


def _groks(manifest: dict[str, Any]) -> bool:
    """Return whether the run trains a network that may grok."""
    known = experiments().get(manifest["experiment"])
    return known is not None and known.groks
