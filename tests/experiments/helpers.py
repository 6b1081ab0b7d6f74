"""Runs of a small problem that are started, interrupted and resumed."""

import contextlib
import copy

import pandas as pd

from grok.experiment import experiment
from grok.experiments import driving, runner
from grok.experiments.driving import Setup
from grok.report import describe
from grok.tracking import Store
from tests.helpers import CPU, before_step, small_config

EXPERIMENT = experiment("grokking")


def altered(**methods):
    """The experiment with other methods."""
    experiment = copy.copy(EXPERIMENT)
    vars(experiment).update(methods)
    return experiment


def setup(root, **how):
    """The setup of the tests: on the CPU, into this store, by default without a mirror."""
    return Setup(**{"device": CPU, "store": Store(root), "wandb": "disabled", "command": ["grok"]} | how)


def start(root, config=None, *, experiment=EXPERIMENT, wandb="disabled"):
    wanted = [(config or small_config(), 0)]
    (run,), finished = runner.start(experiment, wanted, setup(root, wandb=wandb))
    return run, finished


def resume(run, **how):
    (resumed,), finished = runner.resume(run, **how)
    assert resumed == run
    return finished


def interrupt_before(monkeypatch, step):
    """Interrupt the next run as Ctrl-C does, before the given step."""
    monkeypatch.setattr(driving, "interruptible", lambda: contextlib.nullcontext(before_step(step)))


def save_at_every_block(monkeypatch):
    monkeypatch.setattr(driving, "SAVE_INTERVAL", 0.0)
    monkeypatch.setattr(driving, "SAVE_SHARE", 1e9)


def only_run(root):
    (run,) = Store(root).runs()
    return run


def assert_same_record(run, expected):
    pd.testing.assert_frame_equal(run.metrics(), expected.metrics(), check_exact=True)
    assert run.manifest()["summary"] == expected.manifest()["summary"]


def outcome_of(run):
    """The lines below the state of a run, each as a list of words."""
    return [line.split() for line in describe(run).split("\n\n", maxsplit=1)[1].splitlines()[1:]]
