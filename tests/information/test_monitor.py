"""A monitor reads the features that a model's head receives, changes nothing, and rejects unsupported models."""

import copy
from contextlib import nullcontext
from functools import partial

import numpy as np
import pytest
import torch
from torch import nn
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.tensor import Shard, distribute_tensor
from torch.nn import functional as F
from torch.nn.utils.parametrizations import spectral_norm

from grok.information import Monitor, gram_interplay
from tests.geometries import random_vectors

INPUTS, LABELS = random_vectors(24, 5).float(), torch.arange(24) % 3


class Tied(nn.Module):
    """A small language model: an embedding, a block, a normalisation, and logits from the embedding's own rows."""

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


@pytest.mark.parametrize("parametrise", [lambda head: head, spectral_norm])
def test_training_with_a_monitor_changes_no_bit_of_the_model_or_of_the_random_stream(parametrise):
    def train(record):
        model = network()
        parametrise(model[2])
        optimiser = torch.optim.AdamW(model.parameters())
        with Monitor(model, head="2", sample_size=7) if record else nullcontext() as monitor:
            for _ in range(3):
                train_step(model, optimiser)
                if record:
                    monitor.record(LABELS)
            gradients = {f"{name}.grad": parameter.grad for name, parameter in model.named_parameters()}
            return model.state_dict() | gradients | {"outputs": model(INPUTS), "random": torch.rand(3)}

    with_it, without = train(record=True), train(record=False)
    assert list(with_it) == list(without)
    assert all(torch.equal(with_it[name], without[name]) for name in without)


def test_leaving_the_block_takes_the_hooks_away_even_by_an_error():
    model = network()
    with pytest.raises(RuntimeError, match="only for scalar outputs"), Monitor(model, head="2") as monitor:
        model(INPUTS).backward()
    untouched = network()
    assert [vars(module).keys() for module in model.modules()] == [vars(each).keys() for each in untouched.modules()]
    assert not any(module._forward_pre_hooks or module._forward_hooks for module in model.modules())
    with pytest.raises(RuntimeError, match="record: expected a forward pass through '2' since the last record"):
        monitor.record(LABELS)
    monitor.remove()


def test_a_forward_pass_is_recorded_once_and_the_last_one_counts():
    model = network()
    with Monitor(model, head="2") as monitor:
        model(2 * INPUTS)
        model(INPUTS)
        np.testing.assert_array_equal(monitor.record(LABELS), by_hand(model))
        with pytest.raises(RuntimeError, match=r"got none \(a head used only for its weight needs `features`; under"):
            monitor.record(LABELS)


def test_a_copy_of_a_monitored_model_lives_its_own_life():
    model = network()
    with Monitor(model, head="2") as monitor:
        average = copy.deepcopy(model)
        nn.init.zeros_(average[2].weight)
        model(INPUTS)
        assert torch.equal(average(2 * INPUTS), average[2].bias.expand(24, 3))
        np.testing.assert_array_equal(monitor.record(LABELS), by_hand(model))


def test_a_forward_that_somebody_else_set_is_left_alone():
    def theirs(features):
        return features[:, :3]

    model = network()
    with Monitor(model, head="2") as monitor:
        model[2].forward = theirs
        assert torch.equal(model(INPUTS), model[:2](INPUTS)[:, :3])
        np.testing.assert_array_equal(monitor.record(LABELS), by_hand(model))
    assert model[2].forward is theirs
    with Monitor(model, head="2"):
        pass
    assert model[2].forward is theirs


def test_the_head_may_be_called_by_keyword():
    model = network()
    with Monitor(model, head="2") as monitor:
        model[2](input=model[:2](INPUTS))
        np.testing.assert_array_equal(monitor.record(LABELS), by_hand(model))


def test_passes_in_inference_mode_and_others_add_up():
    model = network()
    with Monitor(model, head="2") as monitor:
        with torch.inference_mode():
            model(INPUTS)
            first = monitor.record(LABELS)
        model(INPUTS)
        np.testing.assert_array_equal(monitor.record(LABELS), first)
        assert monitor.summary().batches == 2


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


def test_one_batch_of_another_size_is_left_out_though_it_is_larger():
    model = network()
    with Monitor(model, head="2") as monitor:
        for size in (8, 8, 20, 8):
            model(INPUTS[:size])
            monitor.record(LABELS[:size])
        summary = monitor.summary()
    assert (summary.n, summary.batches) == (8, 3)
    np.testing.assert_allclose(summary.sample, by_hand(model, INPUTS[:8], LABELS[:8]), rtol=1e-6)


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


def test_without_a_sample_size_all_samples_are_measured():
    model = network(dim=4)
    inputs, labels = random_vectors(600, 5).float(), torch.arange(600) % 3
    with Monitor(model, head="2", sample_size=None) as monitor:
        model(inputs)
        np.testing.assert_array_equal(monitor.record(labels), by_hand(model, inputs, labels))
        assert monitor.summary().n == 600


def test_a_refused_batch_adds_nothing_to_the_summary():
    model = network()
    with Monitor(model, head="2", sample_size=4) as monitor:
        model(INPUTS)
        monitor.record(LABELS)
        before = monitor.summary()
        spoilt = INPUTS.clone()
        spoilt[1] = torch.nan  # not one of the four that are measured
        model(spoilt)
        with pytest.raises(ValueError, match="features: expected finite numbers, got 16 that are not"):
            monitor.record(LABELS)
        np.testing.assert_array_equal(monitor.summary().prototype, before.prototype)
        assert monitor.summary().batches == 1


def test_unchecked_numbers_are_taken_as_they_come_but_not_too_few_labels():
    model = network()
    spoilt = INPUTS[:10].clone()
    spoilt[1] = torch.nan  # not one of the four that are measured
    chosen = [0, 3, 6, 9]
    with Monitor(model, head="2", sample_size=4, check=False) as monitor:
        model(spoilt)
        np.testing.assert_allclose(
            monitor.record(LABELS[:10]), by_hand(model, INPUTS[chosen], LABELS[chosen]), rtol=1e-6
        )
        model(spoilt)
        with pytest.raises(
            ValueError, match=r"labels: expected one label per feature vector, shape \(10,\), got \(3,\)"
        ):
            monitor.record(LABELS[:3])


@pytest.mark.parametrize("shape", [(4, 6), (24,)])
def test_samples_to_ignore_are_left_out_of_sequences_and_of_flat_labels(shape):
    model = network()
    labels = LABELS.clone()
    labels[::4] = -1
    with Monitor(model, head="2", ignore_index=-1) as monitor:
        model(INPUTS.reshape(4, 6, 5))
        values, summary = monitor.record(labels.reshape(shape)), monitor.summary()
    kept = labels >= 0
    np.testing.assert_array_equal(values, by_hand(model, INPUTS[kept], LABELS[kept]))
    assert summary.n == 18


def test_no_label_is_left_out_where_none_is_to_be():
    model = network()
    with Monitor(model, head="2", ignore_index=None) as monitor:
        model(INPUTS)
        np.testing.assert_array_equal(monitor.record(LABELS), by_hand(model))
        model(INPUTS)
        with pytest.raises(ValueError, match=r"labels: expected labels in \[0, 3\), one per head row, got -100 to 2"):
            monitor.record(LABELS.masked_fill(LABELS == 1, -100))


def test_a_language_model_with_a_tied_head_needs_no_more_than_the_heads_name():
    torch.manual_seed(0)
    model = nn.ModuleDict({"embedding": nn.Embedding(7, 8), "lm_head": nn.Linear(8, 7, bias=False)})
    model.lm_head.weight = model.embedding.weight
    tokens = torch.arange(24).reshape(4, 6) % 7
    with Monitor(model, head="lm_head") as monitor:
        features = model.embedding(tokens).sin()
        model.lm_head(features)
        values = monitor.record(tokens)
    rows = model.embedding.weight.detach()[tokens.flatten()]
    np.testing.assert_array_equal(values, gram_interplay(features.detach().flatten(0, 1), rows))


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


@pytest.fixture
def compile_anew():
    """Yield `torch.compile` with an empty cache, and clear the cache afterwards."""
    torch.compiler.reset()
    yield partial(torch.compile, backend="aot_eager")
    torch.compiler.reset()


@pytest.mark.parametrize("called_before", [False, True])
@pytest.mark.parametrize("attach_to", ["model", "compiled"])
def test_under_torch_compile_it_reads_the_same(compile_anew, attach_to, called_before):
    model = network()
    compiled = compile_anew(model, fullgraph=True)
    if called_before:
        compiled(INPUTS)
    for _ in range(10):  # more often than torch.compile is willing to compile
        with Monitor({"model": model, "compiled": compiled}[attach_to], head="2") as monitor:
            for scale in (1, 2):
                compiled(scale * INPUTS).sum().backward()
                np.testing.assert_allclose(monitor.record(LABELS), by_hand(model, scale * INPUTS), rtol=1e-5)
        compiled(INPUTS)
        with pytest.raises(RuntimeError, match="got none"):
            monitor.record(LABELS)


def test_of_compiled_twins_that_share_their_graphs_each_is_read_by_its_own_monitor(compile_anew):
    models = [network() for _ in range(3)]
    nn.init.orthogonal_(models[1][2].weight)
    compiled = [compile_anew(model) for model in models]
    compiled[2](INPUTS)
    with Monitor(models[0], head="2") as first, Monitor(models[1], head="2") as second:
        for each in (*compiled, compiled[2]):
            each(INPUTS)
        np.testing.assert_allclose(first.record(LABELS), by_hand(models[0]), rtol=1e-5)
        np.testing.assert_allclose(second.record(LABELS), by_hand(models[1]), rtol=1e-5)


def test_a_compiled_pass_that_is_not_seen_leaves_nothing_stale_but_an_error(compile_anew):
    model = network()
    compiled = compile_anew(model)
    compiled(INPUTS)
    with Monitor(model, head="2") as first, Monitor(model, head="2") as second:
        compiled(INPUTS)
        second.record(LABELS)
        first.remove()  # and the graph of the first call fits the model again
        compiled(INPUTS)
        with pytest.raises(RuntimeError, match=r"under torch.compile, call torch.compiler.reset\(\) once"):
            second.record(LABELS)
        torch.compiler.reset()
        compiled(INPUTS)
        np.testing.assert_allclose(second.record(LABELS), by_hand(model), rtol=1e-5)


@pytest.fixture
def one_process_group(tmp_path):
    torch.distributed.init_process_group("gloo", init_method=f"file://{tmp_path}/rendezvous", rank=0, world_size=1)
    yield
    torch.distributed.destroy_process_group()


@pytest.mark.usefixtures("one_process_group")
@pytest.mark.parametrize("wrap", [nn.parallel.DistributedDataParallel, nn.DataParallel])
def test_distributed_and_single_device_wrappers_are_looked_through(wrap):
    model = network()
    wrapped = wrap(model)
    with Monitor(wrapped, head="2") as monitor:
        wrapped(INPUTS).sum().backward()
        np.testing.assert_array_equal(monitor.record(LABELS), by_hand(model))


@pytest.mark.usefixtures("one_process_group")
def test_a_sharded_weight_is_refused():
    model = network()
    weight = distribute_tensor(model[2].weight.detach(), init_device_mesh("cpu", (1,)), [Shard(0)])
    model[2].weight = nn.Parameter(weight)
    with pytest.raises(
        ValueError, match=r"head: expected a module with a whole weight .* whose weight is a 2-D DTensor"
    ):
        Monitor(model, head="2")


# torch asks a tensor on the way for its gradient, and its way to hide its own warning of that lets errors through.
@pytest.mark.filterwarnings("ignore:The .grad attribute of a Tensor that is not a leaf:UserWarning")
def test_a_head_that_is_compiled_by_itself_is_looked_into(compile_anew):
    model = network()
    head = model[2]
    model[2] = compile_anew(head)
    for _ in range(2):
        with Monitor(model, head="2") as monitor:
            model(INPUTS)
            values = monitor.record(LABELS)
        np.testing.assert_allclose(values, by_hand(nn.Sequential(*model[:2], head)), rtol=1e-5)
        model(INPUTS)


def test_data_parallel_on_several_devices_is_refused():
    wrapped = nn.DataParallel(network())
    wrapped.device_ids = [0, 1]
    with pytest.raises(ValueError, match=r"got nn.DataParallel on 2 devices, .* \(use DistributedDataParallel, or"):
        Monitor(wrapped, head="2")


def flattened():
    model = network()
    model[2].weight = nn.Parameter(model[2].weight.flatten())
    return model


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: Monitor(network(), head="fc"), "head: expected the name of a module, such as '0', '2', got 'fc'"),
        (lambda: Monitor(Tied(), head="blok"), "head: expected the name of a module, such as 'block', got 'blok'"),
        (
            lambda: Monitor(network(), head="1"),
            r"head: expected a module with a whole weight .* got '1', a Tanh whose weight is missing",
        ),
        (
            lambda: Monitor(flattened(), head="2"),
            r"head: expected a module with a whole weight .* '2', a Linear whose weight is a 1-D Param",
        ),
        (lambda: Monitor(Tied(), head="embedding"), "features: expected the name of the module whose output meets the"),
        (
            lambda: Monitor(Tied(), head="embedding", features="nrm"),
            "features: expected the name .* as 'norm', got 'nrm'",
        ),
        (
            lambda: Monitor(network(), head="2", sample_size=1),
            "sample_size: expected an integer of at least 2, or None for all, got 1",
        ),
    ],
)
def test_what_cannot_be_monitored_is_refused_with_the_mend(call, message):
    with pytest.raises(ValueError, match=message):
        call()


@pytest.mark.parametrize(
    ("inputs", "labels", "message"),
    [
        (
            INPUTS,
            LABELS[:3],
            r"labels: expected one label per feature vector, shape \(24,\), got \(3,\) \(label positions",
        ),
        (INPUTS, LABELS + 1, r"labels: expected labels in \[0, 3\), one per head row, got 1 to 3"),
        (INPUTS, LABELS.float(), "labels: expected a tensor of integers"),
        (INPUTS.reshape(4, 6, 5), LABELS.reshape(6, 4), r"labels: .*, shape \(4, 6\), got \(6, 4\)"),
        (INPUTS, torch.full((24,), -100), "labels: expected one or more that are not ignore_index, got none of 24"),
        (INPUTS * torch.nan, LABELS, "features: expected finite numbers, got 384 that are not"),
        (INPUTS * 0, LABELS, "features: expected vectors that have a direction, got a zero vector at row 0"),
        (INPUTS[0], LABELS[:1], r"features: expected '2' to give a tensor \(..., d\), got shape \(16,\)"),
    ],
)
def test_labels_and_features_that_do_not_fit_are_named(inputs, labels, message):
    model = network()
    nn.init.zeros_(model[0].bias)
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
