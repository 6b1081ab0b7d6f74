"""The closed forms are what the measures give on the geometry they describe."""

from math import log

import numpy as np
import pytest
import torch

from grok.information import (
    fourier_interplay,
    fourier_power,
    gram_entropy,
    gram_interplay,
    orthogonal_frame_interplay,
    simplex_etf_interplay,
)
from tests.geometries import fourier_vectors, random_vectors
from tests.reference.information import simplex_etf
from tests.tolerances import entropy_rounding


def equal_power(frequencies, p):
    power = torch.zeros(p // 2 + 1, dtype=torch.float64)
    power[list(frequencies)] = 1 / len(frequencies)
    return power


def test_collapsed_samples_have_the_interplay_of_their_class_means():
    frame = torch.tensor(simplex_etf(10))
    samples = frame.repeat(7, 1)
    np.testing.assert_allclose(gram_interplay(samples, 3 * samples), simplex_etf_interplay(10), rtol=0, atol=1e-12)


@pytest.mark.parametrize(("num_classes", "mir"), [(10, 0.9524), (113, 0.9981)])
def test_the_published_values_come_out(num_classes, mir):
    assert simplex_etf_interplay(num_classes).mir.item() == pytest.approx(mir, abs=5e-5)


def test_an_orthogonal_frame_shares_all_that_the_other_has():
    other = random_vectors(9, 4)
    expected = orthogonal_frame_interplay(9, gram_entropy(other).item())
    np.testing.assert_allclose(gram_interplay(torch.eye(9).double(), other), expected, rtol=0, atol=1e-12)


def test_an_orthogonal_frame_shares_nothing_with_one_direction():
    values = orthogonal_frame_interplay(9, other_entropy=0.0)
    assert (values.mir, values.hdr, values.joint_entropy) == (0, 1, log(9))


@pytest.mark.parametrize("k", [3, 4, 5])
def test_generic_frequencies_of_equal_power_have_the_closed_form(k):
    # Powers of 5, at a p so large that no two sums or differences meet.
    power = equal_power([5**i for i in range(k)], p=5003)
    values = fourier_interplay(power, power, p=5003)
    joint = log(2 * k) / (2 * k) + log(4 * k**2) / (2 * k) + (k - 1) / k * log(2 * k**2)
    expected = [(2 * log(2 * k) - joint) / log(2 * k), 0, log(2 * k), log(2 * k), joint]
    np.testing.assert_allclose(values, expected, rtol=0, atol=entropy_rounding(torch.float64, 5003))


@pytest.mark.parametrize("p", [12, 113])
def test_a_spectrum_is_recovered_from_its_vectors(p):
    power = fourier_power(fourier_vectors([0, 2, 5], p, powers=[0.2, 0.5, 0.3]))
    expected = torch.zeros(p // 2 + 1, dtype=torch.float64)
    expected[[0, 2, 5]] = torch.tensor([0.2, 0.5, 0.3], dtype=torch.float64)
    np.testing.assert_allclose(power, expected, rtol=0, atol=1e-12)


def test_the_power_of_any_vectors_sums_to_one():
    np.testing.assert_allclose(
        fourier_power(random_vectors(3 * 14, 5).reshape(3, 14, 5)).sum(-1), 1, rtol=0, atol=1e-12
    )


def test_a_batch_of_spectra_is_its_members_one_by_one():
    powers = torch.stack([equal_power([1, 3], 11), equal_power([2, 4, 5], 11)])
    together = fourier_interplay(powers, powers.flip(0), p=11)
    for i in range(2):
        alone = fourier_interplay(powers[i], powers[1 - i], p=11)
        np.testing.assert_allclose([value[i] for value in together], alone, rtol=0, atol=1e-13)


def test_vectors_that_are_no_circuit_are_taken_for_the_circulant_part_of_their_cosines():
    vectors = random_vectors(15, 4)
    unit = vectors / vectors.norm(dim=1, keepdim=True)
    cosines = unit @ unit.mT
    means = torch.stack([torch.stack([cosines[i, (i + shift) % 15] for i in range(15)]).mean() for shift in range(15)])
    circulant = torch.stack([means.roll(i) for i in range(15)])
    eigenvalues = torch.linalg.eigvalsh(circulant / 15)
    power = fourier_power(vectors)
    expected = torch.cat([power[:1], power[1:] / 2, power[1:] / 2])
    np.testing.assert_allclose(expected.sort().values, eigenvalues, rtol=0, atol=1e-12)


HALVES = torch.tensor([0.5, 0.5])


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: simplex_etf_interplay(2), "num_classes: expected an integer of at least 3, got 2$"),
        (lambda: orthogonal_frame_interplay(1), "num_vectors: expected an integer of at least 2, got 1$"),
        (lambda: orthogonal_frame_interplay(4, 1.5), r"other_entropy: expected nats in \[0, log 4\], got 1.5"),
        (lambda: fourier_interplay(HALVES, HALVES, p=1), "^p: expected an integer of at least 2, got 1$"),
        (
            lambda: fourier_interplay(HALVES, HALVES, p=5),
            r"power_1: .*frequencies 0 to 2, shape \(..., 3\), got \(2,\)",
        ),
        (lambda: fourier_interplay(HALVES, 2 * HALVES, p=3), "power_2: .* sum to 1, got .* a sum of 2"),
        (lambda: fourier_interplay(torch.tensor([1.5, -0.5]), HALVES, p=3), "power_1: .* got a smallest of -0.5"),
        (lambda: fourier_interplay(HALVES.long(), HALVES, p=3), "power_1: expected a float32 or float64 tensor, got "),
        (lambda: fourier_interplay(HALVES, HALVES.expand(2, 2), p=3), "power_2: expected the shape of power_1"),
        (lambda: fourier_power(torch.zeros(3, 2)), "vectors: expected vectors that have a direction"),
    ],
)
def test_what_is_refused_is_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_unchecked_spectra_are_not_looked_at():
    power = torch.full((6,), torch.nan)
    with pytest.raises(ValueError, match="power_1"):
        fourier_interplay(power, power, 11)
    assert fourier_interplay(power, power, 11, check=False).mir.shape == ()
