"""Each pairing pairs what its name says: the slow definition gives the same numbers."""

import numpy as np
import pytest
import torch

from grok.config import ConfigError, ProbesConfig, TaskConfig
from grok.information import interplay
from grok.tasks import operation_task
from grok.training.probes import make_probes
from tests.reference.information import naive_interplay
from tests.training.probes.helpers import features_and_targets


@pytest.mark.parametrize("split", ["train", "test"])
def test_prototype_pairs_head_rows_with_centred_class_means(learner, measured, split):
    features, targets = features_and_targets(learner, split)
    means = torch.stack([features[targets == c].mean(dim=0) for c in range(11)]) - features.mean(dim=0)
    expected = naive_interplay(learner.model.head.weight.detach().numpy(), means.numpy())
    found = [measured[f"interplay/prototype/{split}/{ratio}"] for ratio in ("mir", "hdr")]
    np.testing.assert_allclose(found, expected, atol=1e-5)


@pytest.mark.parametrize("split", ["train", "test"])
def test_sample_pairs_features_with_the_head_rows_of_their_labels(learner, measured, split):
    features, targets = features_and_targets(learner, split)
    chosen = learner.probes["sample"].chosen(split)
    assert len(set(chosen.tolist())) == 32
    head_rows = learner.model.head.weight.detach()[targets[chosen]]
    expected = naive_interplay(features[chosen].numpy(), head_rows.numpy())
    found = [measured[f"interplay/sample/{split}/{ratio}"] for ratio in ("mir", "hdr")]
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_embedding_pairs_tokens_with_the_unembedding(learner, measured):
    expected = naive_interplay(
        learner.model.embedding[:11].detach().numpy(), learner.model.head.weight.detach().numpy()
    )
    found = [measured[f"interplay/embedding/{ratio}"] for ratio in ("mir", "hdr")]
    np.testing.assert_allclose(found, expected, atol=1e-10)


def test_the_record_has_all_five_values_of_each_pairing(measured):
    pairings = ("prototype/train", "prototype/test", "sample/train", "sample/test", "embedding")
    fields = interplay(torch.eye(3), torch.eye(3))._fields
    columns = {f"interplay/{pairing}/{field}" for pairing in pairings for field in fields}
    assert {name for name in measured if name.startswith("interplay/")} == columns


def test_a_class_without_a_sample_is_refused_with_the_mend():
    task = operation_task(TaskConfig(modulus=11, train_fraction=0.1), seed=0)
    message = r"task.train_fraction: \d of 11 classes have no train sample, .* or set probes.prototype off"
    with pytest.raises(ConfigError, match=message):
        make_probes(ProbesConfig(sample="off"), task, seed=0)
