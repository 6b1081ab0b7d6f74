"""Standard training is the textbook's loop, and can be interrupted anywhere."""

import dataclasses
import math

import pytest
import torch
import torch.nn.functional as F

from grok.config import ClassifierProbesConfig, ImageModelConfig, ImageTaskConfig
from grok.experiments import runner, supervised
from grok.models import make_image_model
from grok.random import stream
from grok.tasks.images import DataFolder, digits_task, normalise
from grok.training.checkpoint import checkpoints
from tests.experiments.helpers import assert_same_record, setup, start
from tests.experiments.image_helpers import small, trained_in_parts
from tests.helpers import CPU

EXPERIMENT = supervised.EXPERIMENT


def test_training_is_sgd_with_momentum_decay_and_cosine_on_a_seeded_order_of_the_samples(tmp_path):
    config = small(
        task=ImageTaskConfig(dataset="digits", measured_train=1_200),
        model=ImageModelConfig(network="mlp", depth=1, width=16),
        label_smoothing=0.1,
        batch_size=500,
        steps=5,
    )
    run, _ = start(tmp_path, config, experiment=EXPERIMENT)
    task = digits_task(0)
    model = make_image_model(config.model, shape=(1, 8, 8), num_classes=10, generator=stream(0, "model"))
    optimiser = torch.optim.SGD(model.parameters(), lr=0.03, momentum=0.9, weight_decay=5e-4)
    inputs = normalise(task.inputs[task.train], task.mean, task.std)
    targets = task.targets[task.train]
    losses = []
    for step in range(6):
        losses.append(F.cross_entropy(model(inputs), targets, label_smoothing=0.1).item())
        epoch, batch = divmod(step, 2)
        chosen = torch.randperm(1_200, generator=stream(0, f"order/0/{epoch}"))[500 * batch : 500 * (batch + 1)]
        optimiser.param_groups[0]["lr"] = 0.03 * (1 + math.cos(math.pi * step / 5)) / 2
        optimiser.zero_grad()
        F.cross_entropy(model(inputs[chosen]), targets[chosen], label_smoothing=0.1).backward()
        optimiser.step()
    assert run.metrics()["train/loss"].tolist() == pytest.approx(losses, rel=1e-5)


@pytest.mark.parametrize("steps", [(0,), (5, 13), (1, 2, 9)], ids=str)
def test_an_interrupted_run_resumes_to_the_same_record_and_network(tmp_path, monkeypatch, steps):
    whole, _ = start(tmp_path / "whole", small(), experiment=EXPERIMENT)
    run = trained_in_parts(tmp_path / "parts", EXPERIMENT, small(), steps, monkeypatch)
    assert_same_record(run, whole)
    assert checkpoints(run)[14].read_bytes() == checkpoints(whole)[14].read_bytes()


def test_measuring_changes_no_step(tmp_path):
    measured, _ = start(tmp_path / "measured", small(), experiment=EXPERIMENT)
    nothing = small(probes=ClassifierProbesConfig.only())
    unmeasured, _ = start(tmp_path / "nothing", nothing, experiment=EXPERIMENT)
    assert checkpoints(measured)[14].read_bytes() == checkpoints(unmeasured)[14].read_bytes()


def test_what_is_measured_is_the_network_by_its_averages_on_the_whole_test_split(tmp_path):
    run, _ = start(tmp_path, small(), experiment=EXPERIMENT)
    member = supervised.build(small(), 0, CPU, DataFolder())
    test = member.learner.samples("test")
    with torch.no_grad():
        accuracy = (member.learner.model.eval()(test.inputs).argmax(dim=1) == test.targets).double().mean().item()
    assert len(test.targets) == 1_000
    assert run.metrics()["test/accuracy"][0] == accuracy


def test_mixed_precision_trains_to_other_numbers_of_the_same_kind(tmp_path):
    plain, _ = start(tmp_path / "plain", small(), experiment=EXPERIMENT)
    mixed, _ = start(tmp_path / "mixed", small(precision="bfloat16"), experiment=EXPERIMENT)
    ours, theirs = plain.metrics()["test/loss"], mixed.metrics()["test/loss"]
    assert ours[0] == theirs[0]
    assert 0 < abs(ours.iloc[-1] - theirs.iloc[-1]) < 0.1


@pytest.mark.parametrize(("preset", "steps"), [("paper", 2**20), ("paper-cifar100", 2**20), ("laptop", 4_000)])
def test_presets_are_the_papers_training(preset, steps):
    config = EXPERIMENT.presets[preset]()
    optimiser = config.optimiser
    assert (optimiser.rule, optimiser.learning_rate, optimiser.momentum) == ("sgd", 0.03, 0.9)
    assert (optimiser.weight_decay, optimiser.decay, config.batch_size, config.steps) == (5e-4, "cosine", 64, steps)


def test_members_of_a_stack_train_as_they_would_alone(tmp_path):
    other = dataclasses.replace(small(), optimiser=dataclasses.replace(small().optimiser, learning_rate=0.01))
    stacked, _ = runner.start(EXPERIMENT, [(small(), 0), (other, 1)], setup(tmp_path / "stack"))
    alone = [runner.start(EXPERIMENT, [each], setup(tmp_path / "alone"))[0][0] for each in ((small(), 0), (other, 1))]
    for ours, expected in zip(stacked, alone, strict=True):
        for column in ("train/loss", "test/loss", "interplay/sample/test/mir"):
            assert ours.metrics()[column].tolist() == pytest.approx(expected.metrics()[column].tolist(), rel=1e-4)
