"""Ranks and spectral entropies are those of the vectors themselves."""

import numpy as np
import pytest
import scipy.linalg
import torch

from grok.information import centre, effective_rank
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
