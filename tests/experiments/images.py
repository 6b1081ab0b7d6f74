"""Image experiments small enough to train in a second."""

import dataclasses
from functools import partial

import torch

from grok.config import (
    ClassifierProbesConfig,
    ImageModelConfig,
    ImageTaskConfig,
    SemiSupervisedConfig,
    SupervisedConfig,
)
from grok.experiment import experiment as registered
from grok.tasks.images import DataFolder
from grok.tracking import Run
from grok.training.checkpoint import checkpoints
from grok.training.engine import Engine
from grok.training.recorder import Recorder
from grok.training.step import Member
from tests.experiments.helpers import assert_same_record, interrupt_before, resume, start
from tests.helpers import CPU, before_step, new_run

FOLDER = DataFolder()

DIGITS = {
    "task": ImageTaskConfig(dataset="digits", measured_train=200),
    "model": ImageModelConfig(network="mlp", depth=1, width=16),
    "batch_size": 50,  # 24 steps an epoch
}
"""A network without batch normalisation."""

SIGNALS = {
    "task": ImageTaskConfig(dataset="mnist1d", measured_train=200),
    "model": ImageModelConfig(network="conv1d", width=6),
    "batch_size": 90,  # 44 steps an epoch
}
"""A network with batch normalisation."""


def probes(schedule="every:1", **schedules) -> ClassifierProbesConfig:
    """Settings that switch on all probes at these steps, with 32 samples in the pairing `sample`."""
    names = ("accuracy", "prototype", "sample", "norms", "collapse", "rank")
    return ClassifierProbesConfig(**dict.fromkeys(names, schedule) | schedules, sample_size=32)


only = partial(dataclasses.replace, probes(), **dict.fromkeys(probes().names(), "off"))
"""Settings that switch on only these probes."""


def supervised_config(setting=DIGITS, **settings) -> SupervisedConfig:
    return SupervisedConfig(**{"probes": probes("every:7")} | setting | settings)


def semi_supervised_config(setting=SIGNALS, **settings) -> SemiSupervisedConfig:
    """Settings of FreeMatch by default, on four labels per class: 24 labelled and 72 unlabelled signals per step."""
    task = ImageTaskConfig(dataset="mnist1d", augmentation="shift-scale", measured_train=200)
    of_method = {} if settings.get("method") == "supervised" else {"unlabelled_ratio": 3}
    own = {"probes": probes("every:7"), "task": task, "batch_size": 24, "average_decay": 0.9}
    return SemiSupervisedConfig(**setting | own | of_method | settings)


def train(root, member: Member, *, first_step: int = 0, steps: int | None = None) -> dict[int, dict[str, float]]:
    """The rows of a member that trains to its end, or for the given number of steps."""
    rows = []
    Engine([member], first_step=first_step).run(
        [Recorder(new_run(root), first_step=first_step)],
        on_block=lambda measured: rows.extend(measured[0].rows()),
        interrupted=(lambda: False) if steps is None else before_step(steps),
    )
    return dict(rows)


def build(name, config, seed=0) -> Member:
    return registered(name).build(config, seed, CPU, FOLDER)


def state_of(member: Member) -> dict[str, torch.Tensor]:
    """Copies of the parameters and buffers of the network."""
    return {name: tensor.clone() for name, tensor in member.learner.model.state_dict().items()}


def assert_equal_states(first, second):
    assert list(first) == list(second)
    for name, tensor in first.items():
        assert torch.equal(tensor, second[name]), name


def assert_resumes_bit_for_bit(root, monkeypatch, experiment, config, whole: Run, step: int):
    """A run that is interrupted and resumed ends with the same record and state as the `whole` run."""
    with monkeypatch.context() as patch:
        interrupt_before(patch, step)
        run, finished = start(root, config, experiment=experiment)
    assert not finished
    assert run.manifest()["step"] == step
    assert resume(run, wandb="disabled")
    assert_same_record(run, whole)
    last = config.total_steps
    assert checkpoints(run)[last].read_bytes() == checkpoints(whole)[last].read_bytes()
