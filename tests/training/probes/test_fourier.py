"""Fourier measures describe the network's vectors, logits and neurons, for cycles of sums and of products."""

import dataclasses

import numpy as np
import pytest
import torch

from grok.config import ProbesConfig, TaskConfig
from grok.experiment import experiment
from grok.information import fourier_interplay, fourier_power, gram_interplay
from tests.geometries import fourier_vectors
from tests.helpers import CPU, small_config, small_member
from tests.reference.fourier import (
    naive_circuit_losses,
    naive_concentration,
    naive_power,
    naive_single,
    stablemax_cross_entropy,
)
from tests.training.probes.helpers import features_and_targets, measure

# Fourier


OBJECTS = ("embedding", "unembedding", "class_means")


@pytest.fixture(scope="module", params=["add", "multiply", "random"])
def circuit(request):
    return with_waves(request.param)


def with_waves(operation, **settings):
    """An untrained network with waves in its embedding, so that there are key frequencies."""
    config = small_config(**dataclasses.asdict(ProbesConfig.only(accuracy="every:1", fourier="every:1")))
    config = dataclasses.replace(config, task=TaskConfig(operation=operation, modulus=11), **settings)
    circuit = experiment("grokking").build(config, 0, CPU).learner
    with torch.no_grad():
        circuit.model.embedding[:11] += 2 * fourier_vectors([3], 11).float()
        circuit.model.head.weight += 20 * fourier_vectors([3], 11, seed=4).float()
    return circuit


@pytest.fixture(scope="module")
def measured_circuit(circuit):
    return measure(circuit)


def of_all_pairs(circuit):
    """Features, targets, and a mask of the training samples."""
    features, targets = zip(*(features_and_targets(circuit, split) for split in ("train", "test")), strict=True)
    return torch.cat(features).double(), torch.cat(targets), range(len(targets[0]))


def cycle_of(circuit):
    """The powers of 2, a primitive root of 11, for products; all residues otherwise."""
    off_cycle = circuit.probes["fourier"].get_buffer("basis")[0, 0, 0] == 0
    return [2**power % 11 for power in range(10)] if off_cycle else list(range(11))


def vectors_of(circuit, name):
    if name != "class_means":
        return circuit.model.embedding[:11] if name == "embedding" else circuit.model.head.weight
    features, targets, _ = of_all_pairs(circuit)
    return torch.stack([features[targets == c].mean(dim=0) for c in range(11)])


@pytest.mark.parametrize("name", OBJECTS)
def test_concentration_is_that_of_the_vectors_as_they_are(circuit, measured_circuit, name):
    vectors = vectors_of(circuit, name).detach().numpy()
    expected = naive_concentration(naive_power(vectors, cycle_of(circuit)))
    found = {value: measured_circuit[f"fourier/{name}/{value}"] for value in expected}
    assert found == pytest.approx(expected, rel=1e-4)


def expected_losses(circuit, **how):
    features, targets, train = of_all_pairs(circuit)
    logits = (features @ circuit.model.head.weight.double().T).detach().numpy()
    return naive_circuit_losses(logits, targets.numpy(), train, cycle_of(circuit), **how)


def test_losses_are_those_of_the_logits_of_all_pairs(circuit, measured_circuit):
    found = [measured_circuit[f"fourier/{loss}"] for loss in ("restricted_loss", "excluded_loss")]
    assert found == pytest.approx(expected_losses(circuit), rel=1e-5)


def test_losses_are_of_the_criterion_that_is_trained_with():
    circuit = with_waves("multiply", loss="stablemax")
    measured_circuit = measure(circuit)
    found = [measured_circuit[f"fourier/{loss}"] for loss in ("restricted_loss", "excluded_loss")]
    assert found == pytest.approx(expected_losses(circuit, loss=stablemax_cross_entropy), rel=1e-5)


@pytest.mark.parametrize(("pairing", "name"), [("prototype", "class_means"), ("embedding", "embedding")])
def test_theory_is_the_interplay_of_the_spectra_of_unit_vectors(circuit, measured_circuit, pairing, name):
    vectors, cycle = vectors_of(circuit, name).detach().double(), cycle_of(circuit)
    if pairing == "prototype":
        vectors = vectors - of_all_pairs(circuit)[0].mean(dim=0)
    head = circuit.model.head.weight.detach().double()
    expected = fourier_interplay(fourier_power(vectors[cycle]), fourier_power(head[cycle]), len(cycle))
    found = [measured_circuit[f"theory/{pairing}/{ratio}"] for ratio in ("mir", "hdr")]
    np.testing.assert_allclose(found, [expected.mir.item(), expected.hdr.item()], atol=1e-5)


def test_theory_is_what_is_measured_where_gram_matrices_are_circulant(measured_circuit, circuit):
    cycle = cycle_of(circuit)
    embedding, head, means = (torch.ones(11, 16).double() for _ in range(3))  # off the cycle, any vector
    embedding[cycle] = 3 * fourier_vectors([1, 2], len(cycle), powers=[0.7, 0.3], seed=1)
    head[cycle] = fourier_vectors([2, 4], len(cycle), powers=[0.4, 0.6], seed=2)
    means[cycle] = 0.1 * fourier_vectors([0, 3, 4], len(cycle), powers=[0.2, 0.3, 0.5], seed=3)
    losses = {f"fourier/{loss}": torch.tensor(0.0).double() for loss in ("restricted_loss", "excluded_loss")}
    evaluated = circuit.probes["fourier"].evaluate(
        {"embedding": embedding, "unembedding": head, "class_means": means, **losses}
    )
    for pairing, vectors in (("prototype", means), ("embedding", embedding)):
        expected = gram_interplay(vectors[cycle], head[cycle])
        for ratio in ("mir", "hdr"):
            found = evaluated[f"theory/{pairing}/{ratio}"].item()
            assert found == pytest.approx(getattr(expected, ratio).item(), abs=1e-10)


# Neurons


def test_the_columns_follow_their_definitions(learner, measured):
    inputs = torch.cat([learner.samples(split).inputs for split in ("train", "test")])
    activations = learner.model.neurons(inputs).detach()
    means = torch.stack([activations[inputs[:, 0] == a].mean(dim=0) for a in range(11)]).numpy()
    expected = naive_concentration(naive_power(means, range(11))) | {"single": naive_single(means, range(11))}
    found = {value: measured[f"fourier/neurons/{value}"] for value in expected}
    assert found == pytest.approx(expected, rel=1e-4)


# Spectrum


@pytest.fixture(scope="module")
def spectral():
    return small_member(spectrum="every:10").learner


def test_each_spectrum_is_that_of_the_vectors_as_they_are_with_the_constant(spectral):
    measured = measure(spectral)
    features, targets = zip(*(features_and_targets(spectral, split) for split in ("train", "test")), strict=True)
    inputs = torch.cat([spectral.samples(split).inputs for split in ("train", "test")])
    neurons = spectral.model.neurons(inputs).detach()
    vectors = {
        "embedding": spectral.model.embedding[:11].detach(),
        "unembedding": spectral.model.head.weight.detach(),
        "class_means": by_label(torch.cat(features), torch.cat(targets)),
        "neurons": by_label(neurons, inputs[:, 0]),
    }
    for name, rows in vectors.items():
        power = naive_power(rows.numpy(), range(11))
        found = [measured[f"spectrum/{name}/{frequency}"] for frequency in range(6)]
        np.testing.assert_allclose(found, power / power.sum(), atol=1e-6)


def by_label(vectors, labels):
    return torch.stack([vectors[labels == label].mean(dim=0) for label in range(11)])
