"""The grokking experiment has the published settings, and its seed determines everything that is drawn."""

import dataclasses

import pytest
import torch

from grok.config import (
    GrokkingConfig,
    OptimiserConfig,
    ProbesConfig,
    SampledInformationTermConfig,
    TaskConfig,
    TransformerConfig,
)
from grok.experiment import experiment
from grok.experiments import grokking
from grok.training.loss import stablemax_cross_entropy
from tests.helpers import CPU, small_config, small_member, snapshot_of

alike = experiment("grokking").alike


def drawn(member):
    """Everything that the seed determines."""
    learner = member.learner
    chosen = torch.cat([learner.probes["sample"].chosen(split) for split in ("train", "test")])
    return {
        "split": learner.samples("train").inputs,
        "weights": learner.model.embedding.detach(),
        "sample": chosen,
    }


def test_the_paper_preset_is_the_published_setting():
    config = grokking.paper()
    assert config.task == TaskConfig(operation="add", modulus=113, train_fraction=0.3, rounding="down")
    assert config.model == TransformerConfig(d_model=128, num_heads=4, d_head=32, d_mlp=512)
    assert config.optimiser == OptimiserConfig(learning_rate=1e-3, weight_decay=1.0, betas=(0.9, 0.98))
    learner = experiment("grokking").build(config, 0, CPU).learner
    assert [len(learner.samples(split).targets) for split in ("train", "test")] == [3830, 8939]
    assert sum(parameter.numel() for parameter in learner.model.parameters()) == 226_688


def test_the_laptop_preset_is_a_smaller_problem():
    member = experiment("grokking").build(grokking.laptop(), 0, CPU)
    assert (member.learner.model.head.out_features, len(member.learner.samples("train").targets)) == (59, 1392)
    assert member.settle.last_step == 20_000


def test_the_s5_preset_is_composition_of_permutations():
    config = grokking.s5()
    assert (config.task.operation, config.task.num_elements, config.label) == ("s5-compose", 120, "s5-compose")


def test_the_same_seed_draws_the_same_split_weights_and_samples():
    first, second = drawn(small_member(seed=3)), drawn(small_member(seed=3))
    for name in first:
        assert torch.equal(first[name], second[name]), name


@pytest.mark.parametrize("name", ["split", "weights", "sample"])
def test_another_seed_draws_another(name):
    first, second = drawn(small_member(seed=3)), drawn(small_member(seed=4))
    assert not torch.equal(first[name], second[name])


def test_another_network_leaves_the_split_and_the_samples():
    config = dataclasses.replace(small_config(), model=TransformerConfig(d_model=8, num_heads=1, d_head=8, d_mlp=8))
    other, small = drawn(experiment("grokking").build(config, 0, CPU)), drawn(small_member())
    assert torch.equal(other["split"], small["split"])
    assert torch.equal(other["sample"], small["sample"])


def test_the_loss_is_that_of_the_config_on_both_splits():
    learner = experiment("grokking").build(dataclasses.replace(small_config(), loss="stablemax"), 0, CPU).learner
    snapshot = snapshot_of(learner)
    for split, loss in {"train": learner(())[0], "test": snapshot.loss("test")}.items():
        expected = stablemax_cross_entropy(snapshot.logits(split), snapshot.targets(split))
        assert loss.item() == pytest.approx(expected.item(), rel=1e-12)


def test_runs_of_different_rules_can_share_a_stack_and_those_of_different_losses_cannot():
    config = small_config()
    other_rule = dataclasses.replace(config, optimiser=OptimiserConfig(rule="sgd", fixed_norm=True))
    assert alike(other_rule) == alike(config)
    assert alike(dataclasses.replace(config, loss="stablemax")) != alike(config)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_the_loss_is_computed_in_the_precision_of_the_config(dtype):
    learner = experiment("grokking").build(dataclasses.replace(small_config(), loss_dtype=dtype), 0, CPU).learner
    assert learner(())[0].dtype == getattr(torch, dtype)


def test_members_with_other_train_fractions_stack_unless_sample_sizes_are_measured():
    for schedule, stackable in (("off", True), ("every:10", False)):
        small = small_config(sample_sizes=schedule)
        other = dataclasses.replace(small, task=dataclasses.replace(small.task, train_fraction=0.4))
        assert (alike(small) == alike(other)) is stackable


def with_term(*, train_fraction, **settings):
    information = SampledInformationTermConfig(**{"term": "mir", "weight": 0.1} | settings)
    task = TaskConfig(modulus=11, train_fraction=train_fraction)
    probes = ProbesConfig(sample_size=16)
    return GrokkingConfig(task=task, probes=probes, information=information)


def test_members_with_a_term_stack_if_it_is_the_same_of_as_many_samples():
    first = alike(with_term(train_fraction=0.8, samples=60))
    assert first == alike(with_term(train_fraction=0.5, samples=60))
    for other in ({"samples": 59}, {"samples": 60, "term": "hdr"}, {"samples": 60, "weight": 0.2}):
        assert alike(with_term(train_fraction=0.8, **other)) != first


def test_a_term_of_more_than_half_of_all_pairs_stacks_with_those_of_its_train_fraction():
    large = with_term(train_fraction=0.8, samples=61)
    assert alike(large) == alike(dataclasses.replace(large, steps=3))
    assert alike(large) != alike(with_term(train_fraction=0.7, samples=61))
