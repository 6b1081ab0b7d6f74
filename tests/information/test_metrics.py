"""The metric objects obey torchmetrics' conventions and agree with the functions on all samples."""

import copy
import pickle

import matplotlib.pyplot as plt
import pytest
import torch
import torch.multiprocessing

from grok.information import estimate_interplay, gram_entropy, gram_interplay
from grok.information.metrics import MatrixEntropy, MatrixEntropyDifferenceRatio, MatrixMutualInformationRatio
from tests.geometries import random_geometry

FEATURES, HEAD, LABELS = random_geometry(60, num_classes=7, dim=6)
ROWS = HEAD[LABELS]
EXACT = gram_interplay(FEATURES, ROWS)

# name -> (a metric, its arguments for all samples, the value of all samples)
METRICS = {
    "entropy": (lambda: MatrixEntropy(num_features=6), (FEATURES,), gram_entropy(FEATURES)),
    "mir": (MatrixMutualInformationRatio, (FEATURES, ROWS), EXACT.mir),
    "hdr": (MatrixEntropyDifferenceRatio, (FEATURES, ROWS), EXACT.hdr),
}
each_metric = pytest.mark.parametrize("name", METRICS)


def update_in_batches(metric, arguments, size):
    for batch in zip(*(argument.split(size) for argument in arguments), strict=True):
        metric.update(*batch)


@each_metric
@pytest.mark.parametrize("size", [1, 13, 60])
def test_the_value_is_that_of_all_samples_however_they_were_batched(name, size):
    make, arguments, expected = METRICS[name]
    metric = make()
    update_in_batches(metric, arguments, size)
    assert metric.compute().item() == pytest.approx(expected.item(), abs=1e-6)


@each_metric
def test_reset_forgets(name):
    make, arguments, expected = METRICS[name]
    metric = make()
    metric.update(*(argument.flip(1)[:30] for argument in arguments))
    metric.compute()
    metric.reset()
    metric.update(*arguments)
    assert metric.compute().item() == pytest.approx(expected.item(), abs=1e-6)


@each_metric
def test_forward_gives_the_value_of_the_batch_and_adds_it_to_all(name):
    make, arguments, expected = METRICS[name]
    metric, alone = make(), make()
    first, second = zip(*(argument.split(30) for argument in arguments), strict=True)
    metric(*first)
    alone.update(*second)
    assert metric(*second).item() == pytest.approx(alone.compute().item(), abs=1e-6)
    assert metric.compute().item() == pytest.approx(expected.item(), abs=1e-6)


@each_metric
def test_it_is_copied_and_pickled_with_what_it_has_seen(name):
    make, arguments, expected = METRICS[name]
    metric = make()
    metric.update(*arguments)
    for twin in (copy.deepcopy(metric), pickle.loads(pickle.dumps(metric))):
        assert twin.compute().item() == pytest.approx(expected.item(), abs=1e-6)


@each_metric
def test_it_plots(name):
    make, arguments, expected = METRICS[name]
    metric = make()
    metric.update(*arguments)
    figure, axes = metric.plot()
    (point,) = axes.lines
    assert point.get_ydata()[0] == pytest.approx(expected.item(), abs=1e-6)
    plt.close(figure)


def _worker(rank, port_file, results):
    torch.distributed.init_process_group("gloo", init_method=f"file://{port_file}", rank=rank, world_size=2)
    for name, (make, arguments, _) in METRICS.items():
        metric = make()
        # Shares of different sizes, as a sampler leaves them.
        update_in_batches(metric, [argument[:22] if rank == 0 else argument[22:] for argument in arguments], 11)
        results[rank, name] = metric.compute().item()
    torch.distributed.destroy_process_group()


def joined(state):
    """What torchmetrics sends to the other processes: a list as one tensor."""
    return torch.cat(state) if isinstance(state, list) else state


@each_metric
def test_shares_that_are_gathered_from_two_processes_give_the_value_of_all_samples(name):
    make, arguments, expected = METRICS[name]
    first, second = make(), make()
    update_in_batches(first, [argument[:22] for argument in arguments], 11)
    update_in_batches(second, [argument[22:] for argument in arguments], 11)
    others = iter([getattr(second, state) for state in first._defaults])
    first.dist_sync_fn = lambda own, group: [own, joined(next(others))]
    first.distributed_available_fn = lambda: True
    assert first.compute().item() == pytest.approx(expected.item(), abs=1e-6)


@pytest.mark.torture
def test_two_processes_see_the_value_of_all_samples(tmp_path):
    with torch.multiprocessing.get_context("spawn").Manager() as manager:
        results = manager.dict()
        torch.multiprocessing.spawn(_worker, (str(tmp_path / "rendezvous"), results), nprocs=2)
        for (_, name), value in results.items():
            assert value == pytest.approx(METRICS[name][2].item(), abs=1e-6)
        assert len(results) == 6


def test_many_samples_are_estimated_with_the_given_seed():
    features, head, labels = random_geometry(1200, num_classes=300, dim=40)
    metric = MatrixMutualInformationRatio(rtol=0.05, seed=5)
    metric.update(features, head[labels])
    value, error = estimate_interplay(features, head, labels, rtol=0.05, seed=5)
    assert error.mir > 0
    assert abs(metric.compute() - value.mir) < 4 * error.mir
    other_seed = MatrixMutualInformationRatio(rtol=0.05, seed=6)
    other_seed.update(features, head[labels])
    assert other_seed.compute() != metric.compute()


def test_before_any_sample_the_entropy_is_not_a_number():
    with pytest.warns(UserWarning, match="called before the ``update`` method"):
        assert MatrixEntropy(num_features=3).compute().isnan()


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: MatrixEntropy(3).update(torch.ones(2, 4)), r"the last axis of vectors: expected the shape of num_fe"),
        (lambda: MatrixEntropy(3).update(torch.zeros(2, 3)), "vectors: expected vectors that have a direction"),
        (
            lambda: MatrixMutualInformationRatio().update(torch.ones(2, 3), torch.ones(3, 3)),
            "head_rows: expected the shape of features without its last axis",
        ),
    ],
)
def test_what_is_refused_is_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()
