"""The networks between two children are what the line between their weights says."""

import dataclasses

import pytest
import torch

from grok.config import ConnectivityConfig
from grok.experiments import connectivity, supervised
from grok.experiments.connectivity import OMEGA, RECOMPUTED
from grok.tasks.images import DataFolder
from grok.training.batches import Batches
from grok.training.checkpoint import checkpoints, load_checkpoint
from tests.experiments.helpers import assert_same_record, start
from tests.experiments.image_helpers import small, trained_in_parts
from tests.helpers import CPU

STEPS = 14


def config() -> ConnectivityConfig:
    settings = {field.name: getattr(small(), field.name) for field in dataclasses.fields(small())}
    return ConnectivityConfig(**settings, points=3, recompute_batches=4)


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    run, finished = start(tmp_path_factory.mktemp("whole"), config(), experiment=connectivity.EXPERIMENT)
    assert finished
    return run


@pytest.fixture(scope="module")
def children(run):
    """The weights and statistics of both children, from the last checkpoint."""
    member = connectivity.build(config(), 0, CPU, DataFolder())
    load_checkpoint(checkpoints(run)[config().total_steps], member)
    return [
        {name.removeprefix(f"{child}."): tensor for name, tensor in member.kept.items() if name.startswith(child)}
        for child in ("first", "second")
    ]


def measured(state, recomputed=None):
    """Test accuracy and loss of a network with this state."""
    member = supervised.build(small(), 0, CPU, DataFolder())
    model, test = member.learner.model, member.learner.samples("test")
    model.load_state_dict(state)
    if recomputed:
        recomputed(model, member.learner.batches)
    with torch.no_grad():
        logits = model.eval()(test.inputs)
    accuracy = (logits.argmax(dim=1) == test.targets).double().mean().item()
    return accuracy, torch.nn.functional.cross_entropy(logits, test.targets).item()


def path(run, recomputed):
    table = run.metrics()
    table = table[(table["step"] >= 2 * STEPS) & (table[RECOMPUTED] == recomputed)]
    return table.set_index(OMEGA)[["test/accuracy", "test/loss"]]


def test_the_first_child_is_standard_training(run, tmp_path):
    alone, _ = start(tmp_path, small(), experiment=supervised.EXPERIMENT)
    ours, expected = run.metrics(), alone.metrics()
    assert ours["train/loss"][:STEPS].tolist() == expected["train/loss"][:STEPS].tolist()
    assert path(run, 0.0).loc[0.0, "test/loss"] == expected["test/loss"].iloc[-1]


def test_both_children_begin_alike_and_see_other_batches(run):
    table = run.metrics().set_index("step")
    assert table.loc[0, "test/loss"] == table.loc[STEPS, "test/loss"]
    assert table.loc[5, "test/loss"] != table.loc[STEPS + 5, "test/loss"]
    assert table.loc[: STEPS - 1, OMEGA].unique().tolist() == [0.0]
    assert table.loc[STEPS : 2 * STEPS - 1, OMEGA].unique().tolist() == [1.0]


@pytest.mark.parametrize("omega", [0.0, 0.5, 1.0])
def test_the_network_at_omega_has_the_weights_of_that_point(run, children, omega):
    first, second = children
    state = {
        name: (1 - omega) * first[name] + omega * second[name] if first[name].is_floating_point() else first[name]
        for name in first
    }
    accuracy, loss = measured(state)
    row = path(run, 0.0).loc[omega]
    assert row["test/accuracy"] == pytest.approx(accuracy, abs=2e-3)
    assert row["test/loss"] == pytest.approx(loss, rel=1e-5)


def test_recomputed_statistics_are_the_means_over_training_batches(run, children):
    first, second = children
    state = {name: (first[name] + second[name]) / 2 for name in first if first[name].is_floating_point()}

    def recompute(model, batches: Batches):
        inputs = [batches.batch(index, order=2)[0] for index in range(4)]
        for conv, norm in zip(model.convs, model.norms, strict=True):  # layer by layer, each by what it reads
            outputs = [conv(each) for each in inputs]
            means = torch.stack([each.mean(dim=(0, 2)) for each in outputs])
            variances = torch.stack([each.var(dim=(0, 2)) for each in outputs])
            norm.running_mean.copy_(means.mean(dim=0))
            norm.running_var.copy_(variances.mean(dim=0))
            with torch.no_grad():
                inputs = [
                    torch.nn.functional.batch_norm(each, None, None, norm.weight, norm.bias, training=True).relu()
                    for each in outputs
                ]

    with torch.no_grad():
        counts = {name: tensor for name, tensor in first.items() if not tensor.is_floating_point()}
        _, loss = measured(state | counts, recompute)
    assert path(run, 1.0).loc[0.5, "test/loss"] == pytest.approx(loss, rel=1e-4)
    assert path(run, 1.0).loc[0.5, "test/loss"] != path(run, 0.0).loc[0.5, "test/loss"]


@pytest.mark.parametrize("steps", [(14,), (20, 28), (29, 30, 31, 32)], ids=str)
def test_interrupted_in_any_phase_it_resumes_to_the_same_record(run, tmp_path, monkeypatch, steps):
    parts = trained_in_parts(tmp_path, connectivity.EXPERIMENT, config(), steps, monkeypatch)
    assert_same_record(parts, run)


def test_presets_are_those_of_standard_training():
    assert connectivity.laptop().optimiser == supervised.laptop().optimiser
    assert connectivity.gpu().precision == "bfloat16"
    assert connectivity.paper_cifar100().task.dataset == "cifar100"
