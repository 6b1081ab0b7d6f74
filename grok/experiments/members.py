"""Builds the members of runs: at step 0, as the last save left them, or as copies that are thrown away."""

import dataclasses
from collections.abc import Sequence
from typing import Any

from grok.config import config_from_json
from grok.experiment import Experiment
from grok.experiments.driving import Setup
from grok.experiments.threads import Copies
from grok.tracking import Run, StoreError
from grok.training.checkpoint import checkpoints, load_checkpoint
from grok.training.step import Member


def build(experiment: Experiment, config: Any, seed: int, setup: Setup) -> Member:
    """Return the member of a new run at step 0, compiled if the set-up says so."""
    member = experiment.build(config, seed, setup.device, setup.data)
    if setup.compile:
        member.learner.compile_training()
    return member


def restore(run: Run, experiment: Experiment, setup: Setup) -> Member:
    """Return the member of a run as its last save left it, or at step 0 if it was never saved."""
    manifest, saved = run.manifest(), checkpoints(run)
    member = build(experiment, config_from_json(experiment.config_type, manifest["config"]), manifest["seed"], setup)
    if (
        saved
        and load_checkpoint(saved[max(saved)], member)
        and member.learner.probes
        and run.read_table(["step"]).num_rows == 0
    ):
        raise StoreError(f"{run.metrics_path} is missing: restore it, or train anew beside it with --again")
    return member


def copies_of(runs: Sequence[Run], experiment: Experiment, setup: Setup) -> Copies:
    """Return copies of the members of these runs as their last save left them."""
    uncompiled = dataclasses.replace(setup, compile=False)
    members = [restore(run, experiment, uncompiled) for run in runs]
    return Copies(members, max(checkpoints(runs[0]), default=0))


def copies_at_start(experiment: Experiment, wanted: Sequence[tuple[Any, int]], setup: Setup) -> Copies:
    """Return copies of new members, halfway through their first phase, so that usual measurements are due."""
    uncompiled = dataclasses.replace(setup, compile=False)
    members = [build(experiment, config, seed, uncompiled) for config, seed in wanted]
    ends = [min([member.settle.last_step, *member.phases.later(0)]) for member in members]
    return Copies(members, min(ends) // 2)
