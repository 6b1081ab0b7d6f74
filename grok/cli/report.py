"""Runs in words, for a terminal: the list of runs, and one run with what it came to."""

import math
import shlex
from collections.abc import Sequence
from typing import Any

from grok.analysis.report import cell, events_in_words
from grok.experiment import experiments
from grok.tracking import Run


def list_table(manifests: Sequence[dict[str, Any]]) -> str:
    """One line a run: `experiment/id`, status, step and test accuracy at the end.

    If some of the runs are of an experiment that groks, the step at which each of these did is shown too.
    """
    grokking = any(_groks(manifest) for manifest in manifests)
    names = [f"{manifest['experiment']}/{manifest['id']}" for manifest in manifests]
    width = max(map(len, ["run", *names]))
    header = f"{'run':<{width}}  {'status':<11}  {'step':>7}  {'test accuracy':>13}"
    lines = [f"{header}  {'grokked at':>10}" if grokking else header]
    for name, manifest in zip(names, manifests, strict=True):
        accuracy = manifest["summary"].get("last", {}).get("test/accuracy", math.nan)
        line = f"{name:<{width}}  {manifest['status']:<11}  {manifest['step']:>7}  {cell(accuracy, '.1%'):>13}"
        grokked = manifest["summary"].get("events", {}).get("grokked") if _groks(manifest) else None
        lines.append(f"{line}  {'-' if grokked is None else grokked:>10}" if grokking else line)
    return "\n".join(lines)


def describe(run: Run) -> str:
    """A run's state, where its record is and, once it has finished, its outcome as its experiment tells it."""
    manifest = run.manifest()
    seconds = manifest["timings"]["wall_seconds"]
    lines = [
        f"run      {run.path}",
        f"status   {manifest['status']} at step {manifest['step']:,} after {seconds:.0f} s on {manifest['device']}",
        f"command  {shlex.join(manifest['command'])}  (seed {manifest['seed']}, config {manifest['config_hash']})",
        f"record   {run.metrics_path}",
    ]
    if manifest["status"] == "failed":
        lines.append(f"error    {manifest['error']}")
    if manifest["summary"]:
        known = experiments().get(manifest["experiment"])
        lines += ["", *(known.outcome(run) if known else events_in_words(manifest["summary"], groks=False))]
    return "\n".join(lines)


def _groks(manifest: dict[str, Any]) -> bool:
    """Whether the run trains a network that may grok."""
    known = experiments().get(manifest["experiment"])
    return known is not None and known.groks
