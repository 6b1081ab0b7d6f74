"""The experiments, one file each. They use the core; the core knows none of them."""

from grok.experiments import grokking
from grok.experiments.runner import Experiment

EXPERIMENTS: dict[str, Experiment] = {experiment.name: experiment for experiment in (grokking.EXPERIMENT,)}

__all__ = ["EXPERIMENTS", "Experiment"]
