"""A monitor reads what passes through a model's head, changes nothing, and says what it can't do."""

import copy

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F

from grok.information import Monitor, gram_interplay
from tests.geometries import random_vectors

INPUTS, LABELS = random_vectors(24, 5).float(), torch.arange(24) % 3


class Tied(nn.Module):
    """A language model in little: embedding, block, normalisation, logits by the embedding's own rows."""

    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(7, 8)
        self.block = nn.Linear(8, 8)
        self.norm = nn.LayerNorm(8)

    def forward(self, tokens):
        return self.norm(self.block(self.embedding(tokens)).relu()) @ self.embedding.weight.T


def network(dim=16):
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(5, dim), nn.Tanh(), nn.Linear(dim, 3))


def by_hand(model, inputs=INPUTS, labels=LABELS):
    with torch.no_grad():
        return gram_interplay(model[:2](inputs), model[2].weight[labels])


def train_step(model, optimiser):
    optimiser.zero_grad()
    F.cross_entropy(model(INPUTS), LABELS).backward()
    optimiser.step()


def test_a_record_is_the_interplay_of_the_heads_input_and_its_rows():
    model = network()
    with Monitor(model, head="2") as monitor:
        model(INPUTS)
        values = monitor.record(LABELS)
    np.testing.assert_array_equal(values, by_hand(model))


def test_the_head_is_that_of_the_forward_pass_even_after_a_step():
    model = network()
    expected = by_hand(model)
    with Monitor(model, head="2") as monitor:
        train_step(model, torch.optim.SGD(model.parameters(), lr=5.0))
        assert not torch.equal(by_hand(model).mir, expected.mir)
        np.testing.assert_array_equal(monitor.record(LABELS), expected)


def test_training_with_a_monitor_changes_no_bit_of_the_model_or_of_the_random_stream():
    def train(monitored):
        torch.manual_seed(1)
        model = network()
        optimiser = torch.optim.AdamW(model.parameters())
        names = list(model.state_dict())
        if monitored:
            with Monitor(model, head="2", sample_size=7) as monitor:
                for _ in range(3):
                    train_step(model, optimiser)
                    monitor.record(LABELS)
                assert list(model.state_dict()) == names
        else:
            for _ in range(3):
                train_step(model, optimiser)
        return [*model.parameters(), torch.rand(3)]

    assert all(torch.equal(with_it, without) for with_it, without in zip(train(True), train(False), strict=True))


def test_leaving_the_block_takes_the_hooks_away_even_by_an_error():
    model = network()
    with pytest.raises(KeyError), Monitor(model, head="2") as monitor:
        raise KeyError
    assert not any(module._forward_pre_hooks or module._forward_hooks for module in model.modules())
    monitor.remove()
    model(INPUTS)
    with pytest.raises(RuntimeError, match="record: expected a forward pass through '2' since the last record"):
        monitor.record(LABELS)


def test_a_forward_pass_is_recorded_once_and_the_last_one_counts():
    model = network()
    with Monitor(model, head="2") as monitor:
        model(2 * INPUTS)
        model(INPUTS)
        np.testing.assert_array_equal(monitor.record(LABELS), by_hand(model))
        with pytest.raises(RuntimeError, match=r"got none \(a model under torch.compile must be called first after"):
            monitor.record(LABELS)


def test_the_summary_is_the_mean_over_batches_of_the_largest_size():
    model = network()
    batches = [(INPUTS[:10], LABELS[:10]), (INPUTS[10:20], LABELS[10:20]), (INPUTS[20:], LABELS[20:])]
    with Monitor(model, head="2") as monitor:
        for inputs, labels in batches:
            model(inputs)
            monitor.record(labels)
        summary = monitor.summary()
    assert (summary.n, summary.batches) == (10, 2)
    expected = np.mean([by_hand(model, *batch) for batch in batches[:2]], axis=0)
    np.testing.assert_allclose(summary.sample, expected, rtol=1e-6)


def test_the_summary_has_the_prototypes_of_all_samples():
    model = network()
    uneven = torch.tensor([0] * 12 + [1] * 9 + [2] * 3)
    with Monitor(model, head="2", sample_size=4) as monitor:
        for inputs, labels in zip(INPUTS.split(10), uneven.split(10), strict=True):
            model(inputs)
            monitor.record(labels)
        summary = monitor.summary()
    with torch.no_grad():
        features = model[:2](INPUTS).double()
    means = torch.stack([features[uneven == c].mean(dim=0) for c in range(3)])
    expected = gram_interplay(model[2].weight.detach().double(), means - features.mean(dim=0))
    np.testing.assert_allclose(summary.prototype, expected, rtol=0, atol=1e-12)


def test_without_samples_of_a_class_there_are_no_prototypes_and_a_reset_forgets():
    model = network()
    with Monitor(model, head="2") as monitor:
        model(INPUTS)
        monitor.record(LABELS)
        monitor.reset()
        with pytest.raises(RuntimeError, match="summary: expected a recorded batch, got none since the last reset"):
            monitor.summary()
        model(INPUTS[:8])
        monitor.record(LABELS[:8].clamp(max=1))
        summary = monitor.summary()
    assert summary.prototype is None
    assert (summary.n, summary.batches) == (8, 1)


def test_of_many_samples_evenly_spaced_ones_are_measured():
    model = network()
    with Monitor(model, head="2", sample_size=4) as monitor:
        model(INPUTS[:10])
        values = monitor.record(LABELS[:10])
    chosen = [0, 3, 6, 9]
    np.testing.assert_allclose(values, by_hand(model, INPUTS[chosen], LABELS[chosen]), rtol=1e-6)


def test_a_tied_embedding_is_monitored_by_the_output_of_the_named_module():
    torch.manual_seed(0)
    model = Tied()
    tokens = torch.arange(24).reshape(4, 6) % 7
    labels = tokens.roll(-1, dims=1)
    labels[:, -1] = -100  # no next token
    with Monitor(model, head="embedding", features="norm") as monitor:
        model(tokens)
        values = monitor.record(labels)
    with torch.no_grad():
        features = model.norm(model.block(model.embedding(tokens)).relu())
        expected = gram_interplay(features[:, :-1].flatten(0, 1), model.embedding.weight[labels[:, :-1].flatten()])
    np.testing.assert_array_equal(values, expected)


def test_under_autocast_the_measure_is_in_single_precision():
    model = network()
    with Monitor(model, head="2") as monitor:
        with torch.autocast("cpu", dtype=torch.bfloat16):
            model(INPUTS)
            inside = monitor.record(LABELS)
            features = model[:2](INPUTS).float()
        expected = gram_interplay(features.detach(), model[2].weight.detach()[LABELS])
        model.bfloat16()(INPUTS.bfloat16())
        half = monitor.record(LABELS)
    assert inside.mir.dtype == half.mir.dtype == torch.float32
    np.testing.assert_array_equal(inside, expected)
    assert half.mir.item() == pytest.approx(expected.mir.item(), abs=0.02)


@pytest.mark.parametrize("attach_to", ["model", "compiled"])
def test_under_torch_compile_it_reads_the_same(attach_to):
    torch.compiler.reset()
    model = network()
    compiled = torch.compile(model, backend="aot_eager")
    with Monitor({"model": model, "compiled": compiled}[attach_to], head="2") as monitor:
        for scale in (1, 2):
            compiled(scale * INPUTS).sum().backward()
            np.testing.assert_allclose(monitor.record(LABELS), by_hand(model, scale * INPUTS), rtol=1e-6)


def test_a_model_compiled_and_called_before_says_that_it_ignores_hooks():
    torch.compiler.reset()
    model = network()
    compiled = torch.compile(model, backend="aot_eager")
    compiled(INPUTS)
    with Monitor(compiled, head="2") as monitor:
        compiled(INPUTS)
        with pytest.raises(RuntimeError, match="must be called first after the monitor is attached, not before"):
            monitor.record(LABELS)


def test_distributed_and_single_device_wrappers_are_looked_through(tmp_path):
    torch.distributed.init_process_group("gloo", init_method=f"file://{tmp_path}/rendezvous", rank=0, world_size=1)
    try:
        model = network()
        for wrapped in (nn.parallel.DistributedDataParallel(model), nn.DataParallel(model)):
            with Monitor(wrapped, head="2") as monitor:
                wrapped(INPUTS).sum().backward()
                np.testing.assert_array_equal(monitor.record(LABELS), by_hand(model))
    finally:
        torch.distributed.destroy_process_group()


def test_data_parallel_on_several_devices_is_refused():
    wrapped = nn.DataParallel(network())
    wrapped.device_ids = [0, 1]
    with pytest.raises(ValueError, match=r"got nn.DataParallel on 2 devices, .* \(use DistributedDataParallel\)"):
        Monitor(wrapped, head="2")


def sharded():
    model = network()
    model[2].weight = nn.Parameter(model[2].weight.flatten())
    return model


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: Monitor(network(), head="fc"), "head: expected the name of a module, such as 0, 1, 2, got 'fc'"),
        (lambda: Monitor(Tied(), head="nrm"), "head: expected the name of a module, such as norm, got 'nrm'"),
        (lambda: Monitor(network(), head="1"), r"head: expected a module with a whole weight .* got '1', a Tanh"),
        (lambda: Monitor(sharded(), head="2"), r"head: expected a module with a whole weight .* got '2', a Linear"),
        (lambda: Monitor(Tied(), head="embedding"), "features: expected the name of the module whose output meets the"),
        (lambda: Monitor(Tied(), head="embedding", features="x"), "features: expected the name of a module, such as "),
        (lambda: Monitor(network(), head="2", sample_size=1), "sample_size: expected at least 2, got 1"),
    ],
)
def test_what_cannot_be_monitored_is_refused_with_the_mend(call, message):
    with pytest.raises(ValueError, match=message):
        call()


@pytest.mark.parametrize(
    ("inputs", "labels", "message"),
    [
        (INPUTS, LABELS[:3], r"labels: expected one label a sample, shape \(24,\), got \(3,\)"),
        (INPUTS, LABELS + 1, r"labels: expected labels in \[0, 3\), a head row each, got 1 to 3"),
        (INPUTS, LABELS.float(), "labels: expected a tensor of integers"),
        (INPUTS * torch.nan, LABELS, "vectors_1: expected finite numbers"),
        (INPUTS[0], LABELS[:1], r"features: expected '2' to give a tensor \(..., d\), got shape \(16,\)"),
    ],
)
def test_labels_and_features_that_do_not_fit_are_named(inputs, labels, message):
    model = copy.deepcopy(network())
    with Monitor(model, head="2") as monitor:
        model(inputs)
        with pytest.raises(ValueError, match=message):
            monitor.record(labels)


def test_a_module_that_gives_no_tensor_is_named():
    model = nn.Sequential()
    model.add_module("rnn", nn.LSTM(5, 8))
    model.add_module("head", nn.Linear(8, 3))
    with Monitor(model, head="head", features="rnn") as monitor:
        model.rnn(INPUTS[None])
        with pytest.raises(ValueError, match=r"features: expected 'rnn' to give a tensor .* got tuple"):
            monitor.record(LABELS)
