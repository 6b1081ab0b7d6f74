"""Runs in words, for a terminal."""

import shlex
from collections.abc import Sequence
from typing import Any

from grok.tracking.run import Run

EXTREMA = {
    "mir_max": "MIR max",
    "mir_min": "MIR min",
    "hdr_min": "HDR min",
    "hdr_max": "HDR max",
    "hdr_peak": "HDR peak",
}
STEPS = {
    "train_accuracy_0.99": "train accuracy 99 %",
    "test_accuracy_0.50": "test accuracy 50 %",
    "test_accuracy_0.99": "test accuracy 99 %",
    "grokked": "grokked",
    "ungrokked": "ungrokked",
}

GROKKING = ("grokked", "ungrokked")


def list_table(manifests: Sequence[dict[str, Any]]) -> str:
    """One line a run: id, status, step, test accuracy at the end and the step at which it grokked."""
    width = max(len(manifest["id"]) for manifest in manifests)
    lines = [f"{'run':<{width}}  {'status':<11}  {'step':>7}  {'test accuracy':>13}  {'grokked at':>10}"]
    for manifest in manifests:
        summary = manifest["summary"]
        accuracy = summary.get("last", {}).get("test/accuracy")
        grokked = summary.get("events", {}).get("grokked")
        lines.append(
            f"{manifest['id']:<{width}}  {manifest['status']:<11}  {manifest['step']:>7}  "
            f"{'-' if accuracy is None else f'{accuracy:.1%}':>13}  {'-' if grokked is None else grokked:>10}"
        )
    return "\n".join(lines)


def describe(run: Run) -> str:
    """A run's state, where its record is, and, once it has finished, its events."""
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
        lines += ["", *_describe_summary(manifest["summary"], groks=manifest["experiment"] == "grokking")]
    return "\n".join(lines)


def _describe_summary(summary: dict[str, Any], *, groks: bool) -> list[str]:
    """Accuracies, extrema, and of an experiment that groks also when it did and what turned before."""
    events, last = summary["events"], summary["last"]
    lines = []
    for name, title in STEPS.items():
        if name in events and (groks or name not in GROKKING):  # runs of earlier versions know fewer
            lines.append(f"{title:<20} {'never' if events[name] is None else f'step {events[name]:,}'}")
    lines += [
        "",
        f"{'pairing':<16}" + "".join(f"{title:>17}" for title in EXTREMA.values()) + f"{'MIR, HDR at the end':>22}",
    ]
    for pairing, extrema in events.items():
        if pairing in STEPS or pairing == "turns":
            continue
        cells = [
            f"{extrema[name]['value']:.3f} @ {extrema[name]['step']:>6,}" if name in extrema else "-"
            for name in EXTREMA
        ]
        columns = [f"interplay/{pairing}/{ratio}" for ratio in ("mir", "hdr")]
        end = ", ".join(f"{last[column]:.3f}" if column in last else "-" for column in columns)
        lines.append(f"{pairing:<16}" + "".join(f"{cell:>17}" for cell in cells) + f"{end:>22}")
    turns = events.get("turns")
    if groks and turns:
        width = max(len(column) for column in ("measure", *turns))
        lines += ["", f"{'measure':<{width}}{'turn detected':>16}{'from':>10}"]
        for column, turn in turns.items():
            steps = ("never", "-") if turn["detected"] is None else (f"{turn['detected']:,}", f"{turn['onset']:,}")
            lines.append(f"{column:<{width}}{steps[0]:>16}{steps[1]:>10}")
    return lines
