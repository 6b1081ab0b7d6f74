"""Ranks and spectral entropies agree with direct computations from the vectors."""

import numpy as np
import pytest
import scipy.linalg
import torch

from grok.config import ClassifierProbesConfig, ImageModelConfig, ImageTaskConfig, SupervisedConfig
from grok.experiment import experiment
from grok.information import centre, effective_rank
from grok.tasks.images import DataFolder
from tests.helpers import CPU
from tests.training.probes.helpers import features_and_targets, measure
from tests.training.probes.test_interplay import sparse_member


def test_the_ranks_of_the_weights_are_effective_ranks(learner, measured):
    embedding, head = (learner.model.embedding[:11].detach().double(), learner.model.head.weight.detach().double())
    assert measured["rank/embedding"] == pytest.approx(effective_rank(embedding).item(), rel=1e-6)
    assert measured["rank/unembedding"] == pytest.approx(effective_rank(head).item(), rel=1e-6)


@pytest.mark.parametrize("split", ["train", "test"])
def test_class_means_and_features_are_centred(learner, measured, split):
    features, targets = features_and_targets(learner, split)
    features = features.double()
    means = torch.stack([features[targets == c].mean(dim=0) for c in range(11)])
    assert measured[f"rank/class_means/{split}"] == pytest.approx(effective_rank(centre(means)).item(), rel=1e-6)
    assert measured[f"rank/features/{split}"] == pytest.approx(effective_rank(centre(features)).item(), rel=1e-6)


@pytest.mark.parametrize("split", ["train", "test"])
def test_the_spectral_entropy_is_that_of_the_covariance(learner, measured, split):
    features, _ = features_and_targets(learner, split)
    variances = scipy.linalg.eigvalsh(np.cov(features.double().numpy().T, bias=True))
    shares = variances / variances.sum()
    assert measured[f"spectral_entropy/{split}"] == pytest.approx(-np.sum(shares * np.log(shares)), rel=1e-10)


def test_the_rank_of_class_means_is_of_the_classes_that_are_there():
    learner = sparse_member(0).learner
    features, targets = features_and_targets(learner, "train")
    means = torch.stack([features[targets == c].double().mean(dim=0) for c in targets.unique()])
    assert len(means) < 11
    expected = effective_rank(centre(means)).item()
    assert measure(learner)["rank/class_means/train"] == pytest.approx(expected, rel=1e-6)


def test_of_a_network_without_embedding_all_but_its_rank_are_measured():
    config = SupervisedConfig(
        task=ImageTaskConfig(dataset="digits", measured_train=200),
        model=ImageModelConfig(network="mlp", depth=1, width=12),
        probes=ClassifierProbesConfig.only(rank="every:1"),
    )
    learner = experiment("supervised").build(config, 0, CPU, DataFolder()).learner
    measured = measure(learner)
    rows = ("unembedding", *(f"{what}/{split}" for what in ("class_means", "features") for split in ("train", "test")))
    assert set(measured) == {f"rank/{row}" for row in rows} | {"spectral_entropy/train", "spectral_entropy/test"}
    head = learner.model.head.weight.detach().double()
    assert measured["rank/unembedding"] == pytest.approx(effective_rank(head).item(), rel=1e-6)
    features, _ = features_and_targets(learner, "test")
    assert measured["rank/features/test"] == pytest.approx(effective_rank(centre(features.double())).item(), rel=1e-6)
