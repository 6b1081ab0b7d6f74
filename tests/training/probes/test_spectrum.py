"""A spectrum is the power on each frequency as a share of all of it."""

import numpy as np
import pytest
import torch

from tests.helpers import small_member
from tests.reference.fourier import naive_power
from tests.training.probes.helpers import features_and_targets, measure


@pytest.fixture(scope="module")
def learner():
    return small_member(spectrum="every:10").learner


def test_each_spectrum_is_that_of_the_vectors_as_they_are_with_the_constant(learner):
    measured = measure(learner)
    features, targets = zip(*(features_and_targets(learner, split) for split in ("train", "test")), strict=True)
    inputs = torch.cat([learner.samples(split).inputs for split in ("train", "test")])
    neurons = learner.model.neurons(inputs).detach()
    vectors = {
        "embedding": learner.model.embedding[:11].detach(),
        "unembedding": learner.model.head.weight.detach(),
        "class_means": by_label(torch.cat(features), torch.cat(targets)),
        "neurons": by_label(neurons, inputs[:, 0]),
    }
    for name, rows in vectors.items():
        power = naive_power(rows.numpy(), range(11))
        found = [measured[f"spectrum/{name}/{frequency}"] for frequency in range(6)]
        np.testing.assert_allclose(found, power / power.sum(), atol=1e-6)


def by_label(vectors, labels):
    return torch.stack([vectors[labels == label].mean(dim=0) for label in range(11)])
