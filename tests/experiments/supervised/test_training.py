"""Standard training is plain minibatch SGD, and neither measurements nor interrupts change it."""

import copy
import dataclasses
import math

import pytest
import torch
import torch.nn.functional as F

from grok.config import ImageModelConfig, ImageTaskConfig, OptimiserConfig
from grok.experiment import experiment
from grok.experiments import supervised
from grok.training.checkpoint import checkpoints
from tests.experiments.helpers import start
from tests.experiments.images import (
    DIGITS,
    SIGNALS,
    assert_equal_states,
    assert_resumes_bit_for_bit,
    build,
    only,
    probes,
    state_of,
    supervised_config,
    train,
)
from tests.tolerances import rounding

alike = experiment("supervised").alike


def test_the_paper_preset_is_the_published_setting():
    config = supervised.paper()
    assert config.task == ImageTaskConfig(dataset="cifar10", augmentation="crop-flip", measured_train=10_000)
    assert config.model == ImageModelConfig(network="wide-resnet", depth=28, width=2)
    assert config.optimiser == OptimiserConfig(
        rule="sgd", learning_rate=0.03, momentum=0.9, weight_decay=5e-4, warmup_steps=0, decay="cosine"
    )
    assert (config.batch_size, config.steps, config.label_smoothing) == (64, 1_048_576, 0.0)
    other = supervised.paper_cifar100()
    assert (other.task.num_classes, other.model.label, other.steps) == (100, "wide-resnet-28-8", 1_048_576)


def test_the_gpu_preset_differs_in_length_and_precision_alone():
    as_published = dataclasses.replace(supervised.gpu(), steps=2**20, precision="float32")
    assert as_published == supervised.paper()


@pytest.mark.parametrize("setting", [DIGITS, SIGNALS], ids=["mlp", "conv1d"])
@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_row_t_is_the_network_after_t_updates_of_plain_sgd_with_cosine_decay(tmp_path, setting, smoothing):
    config = supervised_config(
        setting,
        steps=30,
        probes=only(accuracy="every:1"),
        label_smoothing=smoothing,
        optimiser=OptimiserConfig(
            rule="sgd", learning_rate=0.1, momentum=0.8, weight_decay=1e-2, warmup_steps=3, decay="cosine"
        ),
    )
    member = build("supervised", config)
    learner, model = member.learner, copy.deepcopy(member.learner.model)
    optimiser = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.8, weight_decay=1e-2)
    expected = []
    for step in range(31):
        model.eval()
        with torch.no_grad():
            logits = {split: model(learner.samples(split).inputs) for split in ("train", "test")}
        targets = {split: learner.samples(split).targets for split in ("train", "test")}
        row = {
            f"{split}/loss": F.cross_entropy(logits[split], targets[split], label_smoothing=smoothing).item()
            for split in logits
        }
        row |= {
            f"{split}/accuracy": (logits[split].argmax(dim=1) == targets[split]).double().mean().item()
            for split in logits
        }
        expected.append(row)
        model.train()
        optimiser.param_groups[0]["lr"] = 0.1 * min((step + 1) / 3, 1) * (1 + math.cos(math.pi * step / 30)) / 2
        inputs, batch_targets = learner.objective.batches.batch(step, order=0)
        optimiser.zero_grad()
        F.cross_entropy(model(inputs), batch_targets, label_smoothing=smoothing).backward()
        if step < 30:
            optimiser.step()
    rows = train(tmp_path, member)
    assert sorted(rows) == list(range(31))
    for step, row in enumerate(expected):
        assert rows[step] == pytest.approx(row, rel=1e-6, abs=1e-6), step
    assert expected[30]["train/loss"] < expected[0]["train/loss"] - 0.1
    for name, parameter in learner.model.named_parameters():
        error = rounding(torch.float32, config.batch_size, steps=30)
        torch.testing.assert_close(parameter, dict(model.named_parameters())[name], rtol=error, atol=error)


CONFIG = supervised_config(SIGNALS, steps=95)


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory):
    run, finished = start(tmp_path_factory.mktemp("uninterrupted"), CONFIG, experiment=experiment("supervised"))
    assert finished
    return run


@pytest.mark.parametrize("step", [0, 1, 37, 44, 50, 71, 94], ids=lambda step: f"step {step}")
def test_an_interrupted_run_resumes_to_the_same_record_weights_and_statistics(
    tmp_path, monkeypatch, uninterrupted, step
):
    assert_resumes_bit_for_bit(tmp_path, monkeypatch, experiment("supervised"), CONFIG, uninterrupted, step)


def test_what_is_saved_has_the_statistics_of_batch_normalisation(uninterrupted):
    saved = checkpoints(uninterrupted)[95].read_bytes()
    for layer in range(3):
        for name in ("running_mean", "running_var", "num_batches_tracked"):
            assert f"model.norms.{layer}.{name}".encode() in saved


def test_an_augmented_run_resumes_to_the_same_record(tmp_path, monkeypatch):
    task = ImageTaskConfig(dataset="digits", augmentation="crop-flip", measured_train=100)
    config = supervised_config(DIGITS, task=task, steps=40)
    whole, _ = start(tmp_path / "whole", config, experiment=experiment("supervised"))
    assert_resumes_bit_for_bit(tmp_path / "halves", monkeypatch, experiment("supervised"), config, whole, 29)


@pytest.mark.parametrize("setting", [DIGITS, SIGNALS], ids=["mlp", "conv1d"])
def test_observing_does_not_change_training(tmp_path, setting):
    states = []
    for measured in (probes("every:1"), only()):
        member = build("supervised", supervised_config(setting, steps=30, probes=measured))
        train(tmp_path, member)
        states.append(state_of(member))
    assert_equal_states(*states)


def test_no_steps_measure_the_network_at_its_beginning(tmp_path):
    member = build("supervised", supervised_config(steps=0))
    initial = state_of(member)
    rows = train(tmp_path, member)
    assert list(rows) == [0]
    assert rows[0]["train/loss"] > math.log(10) / 2
    assert_equal_states(state_of(member), initial)


def test_runs_that_differ_in_their_rule_can_share_a_stack_and_those_of_other_batches_cannot():
    config = supervised_config()
    assert alike(dataclasses.replace(config, optimiser=OptimiserConfig())) == experiment("supervised").alike(config)
    assert alike(dataclasses.replace(config, batch_size=10)) != alike(config)
