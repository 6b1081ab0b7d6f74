"""What the image experiments share: everything random comes from the seed, whatever is built beside."""

import pytest
import torch

from grok.config import ImageTaskConfig
from grok.experiments import runner, supervised
from grok.experiments.image_training import image_training
from grok.tasks.images import DataError, DataFolder
from tests.experiments.helpers import setup
from tests.experiments.image_helpers import small
from tests.helpers import CPU, small_member


def test_the_seed_decides_weights_batches_and_measured_samples():
    def drawn(seed):
        training = image_training(small(), seed, CPU, DataFolder())
        learner = training.learner
        return [*training.network().values(), learner.batches.batch(0, order=0)[0], learner.samples("train").inputs]

    one, same, other = drawn(0), drawn(0), drawn(1)
    assert all(map(torch.equal, one, same))
    assert not torch.equal(one[0], other[0])
    assert not any(map(torch.equal, one[-2:], other[-2:]))


def test_pruning_is_there_where_it_is_asked_for():
    assert image_training(small(), 0, CPU, DataFolder()).pruning is None
    assert image_training(small(), 0, CPU, DataFolder(), pruned=True).pruning is not None


def test_a_data_set_that_is_not_there_is_named_with_the_mend(tmp_path):
    config = small(task=ImageTaskConfig(dataset="cifar10"))
    message = r"cifar10: expected train.parquet or .* in .*cifar10, got neither \(put .* there, or add --download\)"
    with pytest.raises(DataError, match=message):
        image_training(config, 0, CPU, DataFolder(path=tmp_path))


def test_batches_alone_pass_through_the_compiled_network(monkeypatch, tmp_path):
    passed = []

    def compiled(features, **how):
        return lambda inputs: passed.append(len(inputs)) or features(inputs)

    monkeypatch.setattr(torch, "compile", compiled)
    wanted = [(small(steps=3), 0)]
    (run,), _ = runner.start(supervised.EXPERIMENT, wanted, setup(tmp_path / "compiled", compile=True))
    (plain,), _ = runner.start(supervised.EXPERIMENT, wanted, setup(tmp_path / "plain"))
    assert passed == [300] * 3
    assert run.manifest()["compile"] is True
    assert run.metrics()["test/loss"].tolist() == plain.metrics()["test/loss"].tolist()


def test_a_step_on_all_samples_is_not_compiled():
    with pytest.raises(ValueError, match=r"^compile: expected an experiment that trains on batches"):
        small_member().learner.compile_training()
