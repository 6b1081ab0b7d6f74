"""Runs in words, for a terminal."""

import math
import shlex
from collections.abc import Sequence
from typing import Any

import pandas as pd

from grok.analysis.barrier import STATISTICS, at_omega, barrier_of_test_loss, networks_between
from grok.analysis.pruning import FINE_TUNED, pruning_stages
from grok.config import CONFIGS, TransformerTrainingConfig
from grok.tracking import Run
from grok.tracking.record import OMEGA, RECOMPUTED, SPARSITY

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
    """One line a run: `experiment/id`, status, step and test accuracy at the end.

    Where there are runs of grokking, also the step at which each of them did; of norm-matched twins both are of the
    training with the term.
    """
    grokking = any(_groks(manifest) for manifest in manifests)
    names = [f"{manifest['experiment']}/{manifest['id']}" for manifest in manifests]
    width = max(map(len, ["run", *names]))
    header = f"{'run':<{width}}  {'status':<11}  {'step':>7}  {'test accuracy':>13}"
    lines = [f"{header}  {'grokked at':>10}" if grokking else header]
    for name, manifest in zip(names, manifests, strict=True):
        accuracy = manifest["summary"].get("last", {}).get("test/accuracy", math.nan)
        line = f"{name:<{width}}  {manifest['status']:<11}  {manifest['step']:>7}  {_cell(accuracy, '.1%'):>13}"
        grokked = manifest["summary"].get("events", {}).get("grokked") if _groks(manifest) else None
        lines.append(f"{line}  {'-' if grokked is None else grokked:>10}" if grokking else line)
    return "\n".join(lines)


def describe(run: Run) -> str:
    """A run's state, where its record is, and, once it has finished, what came of it.

    That is its events; of a run of connectivity the networks between the two that were trained, and of one of pruning
    the network at each sparsity, which its events would mix with the training; of norm-matched twins when each grokked.
    """
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
        lines += ["", *OUTCOMES.get(manifest["experiment"], _describe_events)(run, manifest)]
    return "\n".join(lines)


def _describe_events(run: Run, manifest: dict[str, Any]) -> list[str]:
    """Accuracies, extrema, and of an experiment that groks also when it did and what turned before."""
    groks = _groks(manifest)
    events, last = manifest["summary"]["events"], manifest["summary"]["last"]
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


def _describe_connectivity(run: Run, manifest: dict[str, Any]) -> list[str]:
    """The loss barrier, and the accuracy at one end and in the middle, with either kind of batch statistics."""
    metrics = _read(run, [OMEGA, RECOMPUTED, "test/loss", "test/accuracy"])
    between = networks_between(metrics, steps=manifest["config"]["steps"])
    if between.empty:
        return [f"The record has no network between the two: it lacks {OMEGA} or {RECOMPUTED} after their training."]
    lines = [
        "Between the two networks, test split:",
        f"{'statistics':<14}{'networks':>10}{'loss barrier':>20}{'accuracy at omega 0':>22}{'at omega 0.5':>15}",
    ]
    for recomputed, kind in STATISTICS.items():
        line = between[between[RECOMPUTED] == recomputed]
        if line.empty:
            continue
        barrier = _cell(barrier_of_test_loss(line), ".3f", " nats")
        end, middle = (_cell(at_omega(line, "test/accuracy", omega), ".1%") for omega in (0.0, 0.5))
        lines.append(f"{kind:<14}{len(line):>10}{barrier:>20}{end:>22}{middle:>15}")
    return lines


def _describe_pruning(run: Run, manifest: dict[str, Any]) -> list[str]:
    """A line a sparsity: accuracy and interplay of the network that is fine-tuned at it."""
    ratios = [f"interplay/{pairing}/test/{ratio}" for pairing in ("before-after", "sample") for ratio in ("mir", "hdr")]
    metrics = _read(run, [SPARSITY, "test/accuracy", *ratios])
    config = manifest["config"]
    stages = pruning_stages(
        metrics,
        steps=config["steps"],
        fine_tune_steps=config["fine_tune_steps"],
        sparsities=len(config["sparsities"]),
    )
    tuned = stages[stages["stage"] == FINE_TUNED].reindex(columns=[SPARSITY, "test/accuracy", *ratios])
    if tuned.empty:
        return [f"The record has no fine-tuned network: it lacks {SPARSITY} at the end of any fine-tuning."]
    lines = [
        "Fine-tuned at each sparsity, test split:",
        f"{'sparsity':<10}{'accuracy':>10}{'before-after MIR':>19}{'HDR':>8}{'sample MIR':>13}{'HDR':>8}",
    ]
    for sparsity, accuracy, *values in tuned.itertuples(index=False):
        cells = "".join(f"{_cell(value, '.3f'):>{width}}" for value, width in zip(values, (19, 8, 13, 8), strict=True))
        lines.append(f"{sparsity:<10.3g}{_cell(accuracy, '.1%'):>10}{cells}")
    return lines


def _describe_norm_matched(run: Run, manifest: dict[str, Any]) -> list[str]:
    """When the training with the term and when its twin grokked, in steps of its own, and their test accuracy."""
    summary, term = manifest["summary"], manifest["config"]["information"]
    trainings = {
        f"with {term['term']}, weight {term['weight']:g}": summary,
        "twin without it, of the same norm": summary["twin"],
    }
    width = max(map(len, trainings))
    lines = [f"{'training':<{width}}{'grokked':>14}{'test accuracy at the end':>28}"]
    for name, came_to in trainings.items():
        grokked, accuracy = came_to["events"]["grokked"], came_to["last"].get("test/accuracy", math.nan)
        step = "never" if grokked is None else f"step {grokked:,}"
        lines.append(f"{name:<{width}}{step:>14}{_cell(accuracy, '.1%'):>28}")
    return lines


OUTCOMES = {
    "connectivity": _describe_connectivity,
    "pruning": _describe_pruning,
    "norm-matched": _describe_norm_matched,
}
"""What a finished run of these experiments came to, in place of its events."""


def _groks(manifest: dict[str, Any]) -> bool:
    """Whether the run trains a network that may grok."""
    return issubclass(CONFIGS.get(manifest["experiment"], object), TransformerTrainingConfig)


def _read(run: Run, columns: Sequence[str]) -> pd.DataFrame:
    """These columns of a record, as far as it has them, indexed by step."""
    return run.read_table(["step", *columns]).to_pandas().set_index("step")


def _cell(value: float, form: str, unit: str = "") -> str:
    """A number, or a dash for one that was not measured."""
    return "-" if math.isnan(value) else f"{value:{form}}{unit}"
