"""Each probe measures what its name says: the slow definition gives the same numbers."""

import numpy as np
import pytest
import torch

from grok.config import ConfigError, ProbesConfig, TaskConfig
from grok.information import interplay
from grok.tasks import modular_task
from grok.training.probes import SampleInterplay, make_probes
from tests.helpers import small_engine, snapshot_of
from tests.reference.information import naive_interplay


@pytest.fixture(scope="module")
def engine():
    return small_engine()


@pytest.fixture(scope="module")
def measured(engine):
    snapshot = snapshot_of(engine)
    with torch.no_grad():
        return {name: value.item() for probe in engine.probes for name, value in probe.measure(snapshot).items()}


def features_and_targets(engine, split):
    indices = engine.task.indices(split)
    return engine.model.features(engine.task.inputs[indices]).detach(), engine.task.targets[indices]


@pytest.mark.parametrize("split", ["train", "test"])
def test_prototype_pairs_head_rows_with_centred_class_means(engine, measured, split):
    features, targets = features_and_targets(engine, split)
    means = torch.stack([features[targets == c].mean(dim=0) for c in range(11)]) - features.mean(dim=0)
    expected = naive_interplay(engine.model.head.weight.detach().numpy(), means.numpy())
    found = [measured[f"interplay/prototype/{split}/{ratio}"] for ratio in ("mir", "hdr")]
    np.testing.assert_allclose(found, expected, atol=1e-5)


@pytest.mark.parametrize("split", ["train", "test"])
def test_sample_pairs_features_with_the_head_rows_of_their_labels(engine, measured, split):
    features, targets = features_and_targets(engine, split)
    probe = next(probe for probe in engine.probes if isinstance(probe, SampleInterplay))
    chosen = probe._chosen[split]
    assert len(set(chosen.tolist())) == 32
    head_rows = engine.model.head.weight.detach()[targets[chosen]]
    expected = naive_interplay(features[chosen].numpy(), head_rows.numpy())
    found = [measured[f"interplay/sample/{split}/{ratio}"] for ratio in ("mir", "hdr")]
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_embedding_pairs_tokens_with_the_unembedding(engine, measured):
    expected = naive_interplay(engine.model.embedding[:11].detach().numpy(), engine.model.head.weight.detach().numpy())
    found = [measured[f"interplay/embedding/{ratio}"] for ratio in ("mir", "hdr")]
    np.testing.assert_allclose(found, expected, atol=1e-10)


@pytest.mark.parametrize("split", ["train", "test"])
def test_accuracy_and_logit_scale_follow_their_definitions(engine, measured, split):
    features, targets = features_and_targets(engine, split)
    logits = (features @ engine.model.head.weight.T).detach().double().numpy()
    assert measured[f"{split}/accuracy"] == np.mean(logits.argmax(axis=1) == targets.numpy())
    assert measured[f"{split}/logit_scale"] == pytest.approx(np.sqrt(logits.var(axis=1).mean()), rel=1e-5)


def test_the_weight_norm_is_that_of_all_parameters_in_one_vector(engine, measured):
    everything = np.concatenate([parameter.detach().numpy().ravel() for parameter in engine.model.parameters()])
    assert measured["weight_norm"] == pytest.approx(np.linalg.norm(everything.astype(np.float64)), rel=1e-12)


def test_the_record_has_all_five_values_of_each_pairing(measured):
    pairings = ("prototype/train", "prototype/test", "sample/train", "sample/test", "embedding")
    fields = interplay(torch.eye(3), torch.eye(3))._fields
    columns = {f"interplay/{pairing}/{field}" for pairing in pairings for field in fields}
    assert {name for name in measured if name.startswith("interplay/")} == columns


def test_a_probe_that_is_off_is_not_made(engine):
    probes = make_probes(ProbesConfig(sample="off", embedding="off"), engine.task, engine.model, seed=0)
    assert [probe.name for probe in probes] == ["accuracy", "norms", "prototype"]


def test_a_class_without_a_sample_is_refused_with_the_mend(engine):
    task = modular_task(TaskConfig(modulus=11, train_fraction=0.1), seed=0)
    message = r"task.train_fraction: \d of 11 classes have no train sample, .* or set probes.prototype off"
    with pytest.raises(ConfigError, match=message):
        make_probes(ProbesConfig(sample="off"), task, engine.model, seed=0)
