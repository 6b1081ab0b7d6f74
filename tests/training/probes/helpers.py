"""Helpers of the probe tests: measure once, and compute features and targets directly."""

import torch

from tests.helpers import snapshot_of


def measure(learner):
    snapshot = snapshot_of(learner)
    with torch.no_grad():
        observed = {name: probe.observe(snapshot) for name, probe in learner.probes.items()}
        return {
            column: value.item()
            for name, probe in learner.probes.items()
            for column, value in probe.evaluate(observed[name]).items()
        }


def features_and_targets(learner, split):
    samples = learner.samples(split)
    return learner.model.features(samples.inputs).detach(), samples.targets
