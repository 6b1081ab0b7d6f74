"""Each pairing gives the values of its slow definition."""

import dataclasses

import numpy as np
import pytest
import torch

from grok.config import ConfigError, ProbesConfig, TaskConfig
from grok.experiment import experiment
from grok.information import interplay
from grok.tasks import operation_task
from grok.training.probes import make_probes
from grok.training.probes.interplay import interplay_columns
from tests.helpers import CPU, small_config, small_member
from tests.reference.information import naive_interplay
from tests.training.probes.helpers import features_and_targets, measure
from tests.training.test_stack import rows_of


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


def sparse_member(seed):
    """A training split of 12 of 121 pairs, so that some classes have no training sample."""
    config = small_config(prototype="every:1", sample="off")
    config = dataclasses.replace(config, task=dataclasses.replace(config.task, train_fraction=0.1))
    return experiment("grokking").build(config, seed, CPU)


def test_classes_without_a_sample_are_left_out_of_the_prototypes():
    learner = sparse_member(0).learner
    features, targets = features_and_targets(learner, "train")
    present = targets.unique()
    assert 2 < len(present) < 11
    means = torch.stack([features[targets == c].mean(dim=0) for c in present]) - features.mean(dim=0)
    expected = naive_interplay(learner.model.head.weight.detach()[present].numpy(), means.numpy())
    measured = measure(learner)
    found = [measured[f"interplay/prototype/train/{ratio}"] for ratio in ("mir", "hdr")]
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_members_without_samples_of_different_classes_measure_in_a_stack_what_they_do_alone(tmp_path):
    present = [set(sparse_member(seed).learner.samples("train").targets.tolist()) for seed in range(3)]
    assert len({len(classes) for classes in present}) > 1
    stacked = rows_of([sparse_member(seed) for seed in range(3)], tmp_path, steps=2)
    for seed in range(3):
        ((_, expected), _) = rows_of([sparse_member(seed)], tmp_path, steps=2)[0]
        columns = [name for name in expected if name.startswith("interplay/prototype")]
        assert len(columns) == 10
        for name in columns:
            assert stacked[seed][0][1][name] == pytest.approx(expected[name], rel=1e-5), name


def test_a_split_with_one_class_is_refused_with_the_mend():
    task, model = operation_task(TaskConfig(modulus=11, train_fraction=0.01), seed=0), small_member().learner.model
    message = r"task.train_fraction: expected samples of at least 2 classes in train, got 1 \(move it towards 0.5\)"
    with pytest.raises(ConfigError, match=message):
        make_probes(ProbesConfig(sample="off"), task, model, seed=0)
    assert [probe.name for probe in make_probes(ProbesConfig.only(norms="every:1"), task, model, seed=0)] == ["norms"]


def test_a_zero_vector_has_no_direction_and_only_what_it_is_part_of_is_no_number():
    learner = small_member().learner
    with torch.no_grad():
        learner.model.head.weight[0] = 0
    measured = measure(learner)
    assert np.isnan([value for name, value in measured.items() if name.startswith("interplay/")]).all()
    assert np.isfinite([measured["test/accuracy"], measured["rank/unembedding"], measured["train/loss"]]).all()


def test_a_zero_vector_of_one_observation_leaves_the_others_and_one_of_weight_0_all():
    generator = torch.Generator().manual_seed(0)
    first, second = (torch.randn(2, 5, dim, dtype=torch.float64, generator=generator) for dim in (4, 3))
    expected = interplay_columns("a", first, second)
    spoiled = first.clone()
    spoiled[1, 2] = 0
    found = interplay_columns("a", spoiled, second)
    for name, values in found.items():
        assert values[0] == expected[name][0]
        assert values[1].isnan()
    weights = torch.tensor([0.25, 0.25, 0.0, 0.25, 0.25], dtype=torch.float64).expand(2, 5)
    weighted = interplay_columns("a", first, second, weights)
    for name, values in interplay_columns("a", spoiled, second, weights).items():
        torch.testing.assert_close(values, weighted[name], rtol=1e-12, atol=1e-12)
