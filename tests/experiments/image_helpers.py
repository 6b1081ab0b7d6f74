"""Image experiments small enough to train in a second."""

import dataclasses
from itertools import pairwise

from grok.config import ClassifierProbesConfig, ImageModelConfig, ImageTaskConfig, SupervisedConfig
from tests.experiments.helpers import interrupt_before, resume, start


def small(**settings) -> SupervisedConfig:
    """MNIST-1D with eight channels and batch normalisation, 14 steps, everything measured at each."""
    every = dict.fromkeys(("accuracy", "prototype", "sample", "norms", "collapse", "rank"), "every:1")
    return dataclasses.replace(
        SupervisedConfig(
            task=ImageTaskConfig(measured_train=100),
            model=ImageModelConfig(width=8),
            probes=ClassifierProbesConfig(sample_size=32, sample_sizes="off", **every),
            batch_size=300,
            steps=14,
        ),
        **settings,
    )


def trained_in_parts(root, experiment, config, steps, monkeypatch):
    """The run as it is when it has been interrupted before each of these steps."""
    with monkeypatch.context() as patch:
        interrupt_before(patch, steps[0])
        run, finished = start(root, config, experiment=experiment)
    assert not finished
    for before, after in pairwise(steps):
        with monkeypatch.context() as patch:
            interrupt_before(patch, after - before)
            assert not resume(run, wandb="disabled")
    assert resume(run, wandb="disabled")
    return run
