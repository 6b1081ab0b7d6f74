"""The experiments, one file each. They use the core; the core knows none of them."""

from grok.experiments import connectivity, grokking, norm_matched, pruning, semi_supervised, supervised
from grok.experiments.runner import Experiment

EXPERIMENTS: dict[str, Experiment] = {
    module.EXPERIMENT.name: module.EXPERIMENT
    for module in (grokking, supervised, connectivity, pruning, semi_supervised, norm_matched)
}

__all__ = ["EXPERIMENTS", "Experiment"]
