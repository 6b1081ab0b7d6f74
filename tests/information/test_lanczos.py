"""The quadratures bracket every quadratic form, and the estimate is unbiased with the error it states."""

import math

import pytest
import torch

from grok.information import lanczos
from grok.information.lanczos import lanczos_entropy, quadratic_forms
from tests.geometries import random_vectors as vectors
from tests.information.test_determinants import density, with_spectrum
from tests.tolerances import rounding


def entropy_of(matrix):
    values = torch.linalg.eigvalsh(matrix)
    return -(values[values > 1e-15] * values[values > 1e-15].log()).sum().item()


def estimate(matrix, *, seed=0, num_probes=16, rank=8, steps=24, width=100):
    generator = torch.Generator().manual_seed(seed)
    n = len(matrix)
    subspace = torch.randn(n, rank, generator=generator, dtype=matrix.dtype)
    probes = torch.randint(2, (n, num_probes), generator=generator).to(matrix.dtype) * 2 - 1
    return lanczos_entropy(lambda columns: matrix @ columns, probes, subspace, steps=steps, width=width)


SPREAD = with_spectrum(torch.logspace(0, -6, 300, dtype=torch.float64))


@pytest.mark.parametrize("steps", [2, 3, 5, 6, 11])
def test_gauss_is_above_and_radau_below_at_every_number_of_steps(steps):
    start = vectors(300, 5)
    values, basis = torch.linalg.eigh(SPREAD)
    expected = ((basis.mT @ start).square() * -(values * values.log())[:, None]).sum(dim=0)
    forms = quadratic_forms(lambda columns: SPREAD @ columns, start, steps)
    assert (forms.lower < expected).all()
    assert (expected < forms.upper).all()
    assert torch.allclose(forms.mass, (start * (SPREAD @ start)).sum(dim=0), rtol=1e-12)


def test_the_radau_matrix_has_an_eigenvalue_zero_and_rounding_never_raises_its_last_entry():
    diagonal = torch.tensor([[2.0, 2.0, 2.0], [1.0, 0.5, 0.3]], dtype=torch.float64)
    off_diagonal = torch.tensor([[1.0, 1.0], [0.0, 0.6]], dtype=torch.float64)  # the second is no positive matrix
    lowered = lanczos._with_node_at_zero(diagonal, off_diagonal)
    assert torch.allclose(lowered[0], torch.tensor([2.0, 2.0, 2 / 3], dtype=torch.float64))
    tridiagonal = lowered[0].diag() + off_diagonal[0].diag(1) + off_diagonal[0].diag(-1)
    assert torch.linalg.eigvalsh(tridiagonal)[0].abs() < 1e-14
    assert (lowered <= diagonal).all()


def test_the_bracket_closes():
    start = vectors(300, 5)
    gaps = []
    for steps in (4, 12, 36):
        forms = quadratic_forms(lambda columns: SPREAD @ columns, start, steps)
        gaps.append(((forms.upper - forms.lower) / forms.upper).max().item())
    assert gaps[0] > 1e-2
    assert gaps[2] < gaps[1] / 4 < gaps[0] / 16


def test_a_krylov_space_that_ends_early_gives_the_exact_form():
    matrix = with_spectrum(torch.tensor([4.0, 4, 4, 2, 2, 2, 1, 1, 1, 0], dtype=torch.float64))  # 4 distinct values
    start = vectors(10, 3)
    values, basis = torch.linalg.eigh(matrix)
    entropies = torch.where(values > 1e-12, -values * values.clamp(min=1e-300).log(), 0.0)
    expected = ((basis.mT @ start).square() * entropies[:, None]).sum(dim=0)
    for steps in (5, 9, 30):
        forms = quadratic_forms(lambda columns: matrix @ columns, start, steps)
        assert torch.allclose(forms.lower, expected, atol=1e-9)
        assert torch.allclose(forms.upper, expected, atol=1e-9)


@pytest.mark.parametrize("seed", range(5))
def test_steps_in_the_rounding_noise_of_an_exhausted_space_do_no_harm(seed):
    matrix = density(120, 3, seed).float()
    start = vectors(120, 20, seed).float()
    few, many = (quadratic_forms(lambda columns: matrix @ columns, start, steps) for steps in (5, 40))
    error = rounding(torch.float32, 120, steps=40) * few.upper.max().item()  # each step sums 120 products
    for forms in (few, many):
        assert torch.allclose(forms.lower, forms.upper, rtol=1e-4, atol=error)
    assert torch.allclose(few.upper, many.upper, rtol=1e-4, atol=error)


def test_a_start_of_zero_has_no_weight():
    forms = quadratic_forms(lambda columns: SPREAD @ columns, torch.zeros(300, 2).double(), 6)
    assert [value.tolist() for value in forms] == [[0, 0]] * 3


def test_columns_may_be_multiplied_in_any_number_at_once():
    whole, parts = (estimate(SPREAD, width=width) for width in (100, 3))
    assert torch.allclose(torch.stack(whole), torch.stack(parts), rtol=0, atol=1e-6)


def test_the_estimate_has_no_bias_and_the_error_it_states():
    matrix = density(200, 400)
    expected = entropy_of(matrix)
    estimates = [estimate(matrix, seed=seed) for seed in range(60)]
    scores = torch.stack([(each.value - expected) / each.standard_error for each in estimates])
    assert scores.mean().abs() < 3 / math.sqrt(60)
    assert 0.7 < scores.square().mean().sqrt() < 1.4


def test_the_length_of_the_probes_changes_nothing():
    matrix = density(200, 400)
    generator = torch.Generator().manual_seed(0)
    probes, subspace = vectors(200, 16, 1), torch.randn(200, 8, generator=generator, dtype=torch.float64)
    unit, triple = (
        lanczos_entropy(lambda columns: matrix @ columns, scale * probes, subspace, steps=24, width=100)
        for scale in (1, 3)
    )
    assert torch.allclose(torch.stack(unit), torch.stack(triple), rtol=1e-9)


def test_too_few_steps_are_part_of_the_error():
    short, long = (estimate(SPREAD, steps=steps, num_probes=128) for steps in (3, 48))
    assert (short.value - entropy_of(SPREAD)).abs() < short.standard_error
    assert short.standard_error > 3 * long.standard_error


def test_more_probes_have_a_smaller_error():
    few, many = (estimate(density(200, 400), num_probes=num_probes) for num_probes in (8, 128))
    assert many.standard_error < few.standard_error / 2


def test_equal_eigenvalues_leave_no_noise():
    values = torch.cat([torch.ones(100), torch.zeros(100)]).double()
    result = estimate(with_spectrum(values), num_probes=4)
    assert result.value.item() == pytest.approx(math.log(100), abs=1e-10)
    assert result.standard_error < 1e-10


def test_a_rank_within_the_subspace_is_computed_and_not_sampled():
    result = estimate(density(200, 6), rank=8)
    assert result.value.item() == pytest.approx(entropy_of(density(200, 6)), abs=1e-9)
    assert result.standard_error < 1e-9


def test_leading_directions_taken_out_lower_the_noise():
    values = torch.cat([torch.full((8,), 50.0), torch.linspace(0.5, 1, 292)]).double()
    with_few, with_all = (estimate(with_spectrum(values), rank=rank) for rank in (1, 10))
    assert with_all.standard_error < with_few.standard_error / 5
