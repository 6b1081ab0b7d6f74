"""Norms follow their definitions."""

import numpy as np
import pytest

from tests.training.probes.helpers import features_and_targets


@pytest.mark.parametrize("split", ["train", "test"])
def test_logit_scale_is_the_rms_of_centred_logits(learner, measured, split):
    features, _ = features_and_targets(learner, split)
    logits = (features @ learner.model.head.weight.T).detach().double().numpy()
    assert measured[f"{split}/logit_scale"] == pytest.approx(np.sqrt(logits.var(axis=1).mean()), rel=1e-5)


def test_the_weight_norm_is_that_of_all_parameters_in_one_vector(learner, measured):
    everything = np.concatenate([parameter.detach().numpy().ravel() for parameter in learner.model.parameters()])
    assert measured["weight_norm"] == pytest.approx(np.linalg.norm(everything.astype(np.float64)), rel=1e-12)
