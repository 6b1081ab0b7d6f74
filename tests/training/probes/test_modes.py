"""Fourier structure agrees with loops, with numpy.fft, and with closed forms."""

from math import log

import numpy as np
import pytest
import torch

from grok.config import TaskConfig
from grok.information import fourier_power
from grok.information.gram import unit_rows
from grok.tasks import operation_task
from grok.training.probes.modes import (
    concentration,
    fourier_basis,
    fourier_circuit,
    key_frequencies,
    power,
    single_frequency_share,
)
from tests.geometries import random_vectors
from tests.reference.fourier import (
    cross_entropy,
    naive_circuit_losses,
    naive_concentration,
    naive_key_frequencies,
    naive_power,
    naive_single,
    published_projection,
)

CYCLES = {
    "odd": (torch.arange(11), 11),
    "even": (torch.arange(12), 12),
    "products": (torch.tensor([1, 3, 2, 6, 4, 5]), 7),
}


def task_of(operation, p=11):
    return operation_task(TaskConfig(operation=operation, modulus=p), seed=0)


def mean_by_class(logits, targets, num_classes):
    return torch.stack([logits[targets == c].mean(dim=0) for c in range(num_classes)])


def losses(means, pairs, logits, targets, basis, criterion=torch.nn.functional.cross_entropy):
    """Restricted and excluded loss."""
    circuit = fourier_circuit(means, basis)
    return circuit.restricted_loss(pairs, criterion), criterion(*circuit.removed(logits, targets))


def losses_of(logits, task):
    return losses(
        mean_by_class(logits, task.targets, task.num_classes),
        torch.bincount(task.targets).double(),
        logits[task.train],
        task.targets[task.train],
        fourier_basis(task.cycle, task.num_classes),
    )


def circuit(task, frequencies, scale=1.0):
    """Logits for all pairs of a network that consists of waves along the cycle; classes outside it get zeros."""
    places = torch.full((task.num_classes,), -1)
    places[task.cycle] = torch.arange(len(task.cycle))
    distances = places[task.targets][:, None] - places
    waves = sum(torch.cos(2 * torch.pi * f * distances.double() / len(task.cycle)) for f in frequencies)
    on_cycle = (places >= 0).double()
    return scale * waves * on_cycle * on_cycle[task.targets][:, None]


@pytest.mark.parametrize("name", CYCLES)
def test_the_basis_is_orthonormal_on_the_cycle(name):
    cycle, num_classes = CYCLES[name]
    waves = fourier_basis(cycle, num_classes).flatten(0, 1)
    projection = torch.zeros(num_classes, num_classes).double()
    projection[cycle, cycle] = 1
    torch.testing.assert_close(waves.mT @ waves, projection, rtol=0, atol=1e-14)


@pytest.mark.parametrize("name", CYCLES)
def test_power_is_that_of_the_discrete_fourier_transform_along_the_cycle(name):
    cycle, num_classes = CYCLES[name]
    vectors = random_vectors(num_classes, 4)
    found = power(vectors, fourier_basis(cycle, num_classes))
    np.testing.assert_allclose(found, naive_power(vectors.numpy(), cycle.tolist()), rtol=1e-12)


def test_power_of_unit_vectors_is_the_spectrum_of_their_gram_matrix():
    vectors = random_vectors(12, 5)
    found = power(unit_rows(vectors), fourier_basis(torch.arange(12), 12)) / 12
    torch.testing.assert_close(found, fourier_power(vectors), rtol=0, atol=1e-14)


@pytest.mark.parametrize("m", [3, 5, 56])
def test_concentration_on_one_frequency_and_on_all_is_the_closed_form(m):
    one = torch.zeros(m + 1).double()
    one[0], one[2] = 100, 0.3
    assert [value.item() for value in concentration(one)] == pytest.approx([(m - 1) / m, 1, 0, 1])
    even = torch.full((m + 1,), 0.7).double()
    assert [value.item() for value in concentration(even)] == pytest.approx([0, 1 / m, log(m), 0], abs=1e-14)


def test_concentration_follows_its_definition_for_each_of_a_batch():
    spectra = random_vectors(6, 31).square().square().unflatten(0, (2, 3))
    found = concentration(spectra)
    for index in np.ndindex(2, 3):
        expected = naive_concentration(spectra[index].numpy())
        assert 0 < expected["key"] < 30
        assert {name: value[index].item() for name, value in found._asdict().items()} == pytest.approx(expected)


def test_no_frequency_is_key_in_random_vectors_nor_where_there_is_no_power():
    for n in (23, 59, 113):
        basis = fourier_basis(torch.arange(n), n)
        assert not key_frequencies(power(random_vectors(100 * n, 128).unflatten(0, (100, n)), basis)).any()
    assert not key_frequencies(torch.tensor([3.0, 0.0, 0.0])).any()


def test_key_frequencies_have_twice_the_even_share():
    spectra = random_vectors(20, 31).square().square()
    found = [row.nonzero().flatten().tolist() for row in key_frequencies(spectra)]
    assert found == [naive_key_frequencies(row.numpy()) for row in spectra]


@pytest.mark.parametrize("name", CYCLES)
def test_the_single_frequency_share_weighs_each_dimension_by_its_power(name):
    cycle, num_classes = CYCLES[name]
    vectors = random_vectors(num_classes, 9) * torch.arange(1, 10)
    found = single_frequency_share(vectors, fourier_basis(cycle, num_classes)).item()
    assert found == pytest.approx(naive_single(vectors.numpy(), cycle.tolist()))


@pytest.mark.parametrize("operation", ["add", "multiply", "divide", "random"])
def test_circuit_losses_follow_their_definition(operation):
    task = task_of(operation)
    logits = random_vectors(len(task.targets), 11) + circuit(task, [2], scale=3)
    expected = naive_circuit_losses(logits.numpy(), task.targets.numpy(), task.train.tolist(), task.cycle.tolist())
    assert [loss.item() for loss in losses_of(logits, task)] == pytest.approx(expected, rel=1e-12)
    assert expected[1] > expected[0] + 0.5  # there is a circuit


def test_for_addition_the_circuit_is_the_published_projection_on_waves_of_a_plus_b():
    task = task_of("add")
    logits = random_vectors(121, 11) + circuit(task, [3], scale=3)
    basis = fourier_basis(task.cycle, 11)
    key = key_frequencies(power(mean_by_class(logits, task.targets, 11), basis)).nonzero().flatten().tolist()
    assert key == [3]
    planes = logits.numpy().reshape(11, 11, 11)
    projected = published_projection(planes, 3).reshape(121, 11)
    restricted = logits.numpy().mean(axis=0) + projected
    excluded = logits.numpy() - projected
    expected = [
        np.mean([cross_entropy(restricted[i], task.targets[i]) for i in range(121)]),
        np.mean([cross_entropy(excluded[i], task.targets[i]) for i in task.train]),
    ]
    assert [loss.item() for loss in losses_of(logits, task)] == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("operation", ["add", "subtract", "multiply", "divide"])
def test_a_circuit_alone_has_its_own_loss_and_without_it_that_of_a_guess(operation):
    task = task_of(operation, p=23)
    logits = circuit(task, [2, 5], scale=8)
    on_cycle = [i for i in range(len(logits)) if task.targets[i] in task.cycle]
    own = np.mean([cross_entropy(logits[i].numpy(), task.targets[i]) for i in on_cycle])
    assert own < 0.1
    assert [loss.item() for loss in losses_of(logits, task)] == pytest.approx([own, log(23)])


def test_without_a_circuit_the_excluded_loss_is_the_training_loss():
    task = task_of("add", p=23)
    logits = 5 * torch.nn.functional.one_hot(task.targets, 23).double()  # all frequencies alike
    restricted, excluded = losses_of(logits, task)
    assert restricted.item() == pytest.approx(log(23))
    assert excluded.item() == pytest.approx(log(1 + 22 * np.exp(-5)))


def test_samples_without_a_target_count_for_nothing_and_networks_come_in_batches():
    task = task_of("multiply")
    both = torch.stack([random_vectors(121, 11), circuit(task, [2], scale=3)])
    means = torch.stack([mean_by_class(logits, task.targets, 11) for logits in both])
    pairs, basis = torch.bincount(task.targets).double(), fourier_basis(task.cycle, 11)
    targets = task.targets.clone()
    targets[torch.isin(torch.arange(121), task.test)] = -100
    together = torch.func.vmap(losses, in_dims=(0, None, 0, None, None))(means, pairs, both, targets, basis)
    for index, logits in enumerate(both):
        torch.testing.assert_close([loss[index] for loss in together], list(losses_of(logits, task)))
