"""Each probe measures what its name says: the slow definition gives the same numbers."""

import numpy as np
import pytest
import torch

from grok.config import ConfigError, ProbesConfig, TaskConfig
from grok.information import interplay
from grok.tasks import modular_task
from grok.training.probes import make_probes
from tests.helpers import small_config, small_member, snapshot_of
from tests.reference.information import naive_interplay


@pytest.fixture(scope="module")
def learner():
    return small_member().learner


@pytest.fixture(scope="module")
def measured(learner):
    return measure(learner)


def measure(learner):
    snapshot = snapshot_of(learner)
    with torch.no_grad():
        observed = {name: probe.observe(snapshot) for name, probe in learner.probes.items()}
        return {
            column: value.item()
            for name, probe in learner.probes.items()
            for column, value in probe.evaluate(observed[name]).items()
        }


def features_and_targets(learner, split):
    samples = learner.samples(split)
    return learner.model.features(samples.inputs).detach(), samples.targets


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


@pytest.mark.parametrize("split", ["train", "test"])
def test_accuracy_and_logit_scale_follow_their_definitions(learner, measured, split):
    features, targets = features_and_targets(learner, split)
    logits = (features @ learner.model.head.weight.T).detach().double().numpy()
    assert measured[f"{split}/accuracy"] == np.mean(logits.argmax(axis=1) == targets.numpy())
    assert measured[f"{split}/logit_scale"] == pytest.approx(np.sqrt(logits.var(axis=1).mean()), rel=1e-5)


def test_the_weight_norm_is_that_of_all_parameters_in_one_vector(learner, measured):
    everything = np.concatenate([parameter.detach().numpy().ravel() for parameter in learner.model.parameters()])
    assert measured["weight_norm"] == pytest.approx(np.linalg.norm(everything.astype(np.float64)), rel=1e-12)


def test_the_record_has_all_five_values_of_each_pairing(measured):
    pairings = ("prototype/train", "prototype/test", "sample/train", "sample/test", "embedding")
    fields = interplay(torch.eye(3), torch.eye(3))._fields
    columns = {f"interplay/{pairing}/{field}" for pairing in pairings for field in fields}
    assert {name for name in measured if name.startswith("interplay/")} == columns


def test_a_probe_that_is_off_is_not_made():
    probes = make_probes(ProbesConfig(sample="off", embedding="off"), modular_task(small_config().task, 0), seed=0)
    assert [probe.name for probe in probes] == ["accuracy", "norms", "prototype"]


def test_a_class_without_a_sample_is_refused_with_the_mend():
    task = modular_task(TaskConfig(modulus=11, train_fraction=0.1), seed=0)
    message = r"task.train_fraction: \d of 11 classes have no train sample, .* or set probes.prototype off"
    with pytest.raises(ConfigError, match=message):
        make_probes(ProbesConfig(sample="off"), task, seed=0)


def test_samples_that_only_pad_a_split_change_no_measurement(measured):
    learner = small_member().learner
    for split in ("train", "test"):
        learner.pad(split, 90)
        learner.pad(split, 70)  # less padding again
        assert len(learner.samples(split).targets) == 70
    assert measure(learner) == pytest.approx(measured, rel=1e-5)


def test_observations_of_many_steps_and_members_are_evaluated_together(learner):
    snapshot = snapshot_of(learner)
    for probe in learner.probes.values():
        with torch.no_grad():
            observed = probe.observe(snapshot)
            many = probe.evaluate({name: torch.stack([tensor, 2 * tensor]) for name, tensor in observed.items()})
            for column, value in probe.evaluate(observed).items():
                assert many[column].shape == (2,)
                torch.testing.assert_close(many[column][0], value)
