"""Data checks and stacking rules that all experiments on images share."""

import dataclasses

import pytest

from grok.config import OptimiserConfig, SupervisedConfig
from grok.experiment import experiment
from grok.experiments.supervised import paper
from grok.tasks.images import DataFolder
from grok.tasks.images.cifar import DataError

SUPERVISED = experiment("supervised")


def test_data_that_cannot_be_had_are_refused_where_they_are_looked_for(tmp_path):
    SUPERVISED.check(paper(), 0)
    with pytest.raises(DataError, match=r"^cifar10: expected train\.parquet"):
        SUPERVISED.check(paper(), 0, DataFolder(path=tmp_path))


def test_configs_that_differ_in_the_optimiser_alone_can_share_a_stack():
    config = SupervisedConfig()
    assert SUPERVISED.alike(dataclasses.replace(config, optimiser=OptimiserConfig())) == SUPERVISED.alike(config)
    assert SUPERVISED.alike(dataclasses.replace(config, steps=5)) != SUPERVISED.alike(config)
