"""Accuracy is the fraction of samples whose largest logit is that of their target."""

import pytest
import torch
import torch.nn.functional as F

from tests.training.probes.helpers import features_and_targets


@pytest.mark.parametrize("split", ["train", "test"])
def test_loss_and_accuracy_follow_their_definitions(learner, measured, split):
    features, targets = features_and_targets(learner, split)
    logits = (features @ learner.model.head.weight.T).detach().double()
    assert measured[f"{split}/accuracy"] == (logits.argmax(dim=1) == targets).double().mean().item()
    surprise = -torch.log(F.softmax(logits, dim=1)[torch.arange(len(targets)), targets])
    assert measured[f"{split}/loss"] == pytest.approx(surprise.mean().item(), rel=1e-5)
