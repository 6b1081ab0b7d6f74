"""The quadratures of a Lanczos run bracket every quadratic form, after any number of steps."""

import pytest
import torch

from grok.information import quadrature
from grok.information.quadrature import quadratic_forms
from tests.geometries import random_vectors as vectors
from tests.information.test_determinants import density, with_spectrum
from tests.tolerances import rounding

SPREAD = with_spectrum(torch.logspace(0, -6, 300, dtype=torch.float64))


def forms_after(matrix, start, steps):
    """Return the forms after exactly this number of steps."""
    *_, (forms, taken) = quadratic_forms(lambda columns: matrix @ columns, start, steps)
    assert taken == steps
    return forms


@pytest.mark.parametrize("steps", [1, 2, 3, 5, 6, 11])
def test_gauss_is_above_and_radau_below_at_every_number_of_steps(steps):
    start = vectors(300, 5)
    values, basis = torch.linalg.eigh(SPREAD)
    expected = ((basis.mT @ start).square() * -(values * values.log())[:, None]).sum(dim=0)
    forms = forms_after(SPREAD, start, steps)
    assert (forms.lower < expected).all()
    assert (expected < forms.upper).all()
    assert torch.allclose(forms.mass, (start * (SPREAD @ start)).sum(dim=0), rtol=1e-12)
    assert torch.allclose(forms.square, (SPREAD @ start).square().sum(dim=0), rtol=1e-12)


def test_the_radau_matrix_has_an_eigenvalue_zero_and_rounding_never_raises_its_last_entry_above_one():
    diagonal = torch.tensor([[2.0, 2.0], [1.0, 0.5], [1.0, 1e-20]], dtype=torch.float64)
    off_diagonal = torch.tensor([[1.0, 1.0], [1.0, 0.6], [0.0, 1e-3]], dtype=torch.float64)
    longer = quadrature._with_node_at_zero(diagonal, off_diagonal)
    assert torch.allclose(longer[0], torch.tensor([2.0, 2.0, 2 / 3], dtype=torch.float64))
    tridiagonal = longer[0].diag() + off_diagonal[0].diag(1) + off_diagonal[0].diag(-1)
    assert torch.linalg.eigvalsh(tridiagonal)[0].abs() < 1e-14
    assert longer[1, 2] == 0  # the second is no positive matrix
    assert longer[2, 2] == 1


def test_the_bracket_closes():
    start = vectors(300, 5)
    gaps = []
    for steps in (4, 12, 36):
        forms = forms_after(SPREAD, start, steps)
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
        forms = forms_after(matrix, start, steps)
        assert torch.allclose(forms.lower, expected, atol=1e-9)
        assert torch.allclose(forms.upper, expected, atol=1e-9)


@pytest.mark.parametrize("seed", range(5))
def test_steps_in_the_rounding_noise_of_an_exhausted_space_do_no_harm(seed):
    matrix = density(120, 3, seed).float()
    start = vectors(120, 20, seed).float()
    few, many = (forms_after(matrix, start, steps) for steps in (5, 40))
    error = rounding(torch.float32, 120, steps=40) * few.upper.max().item()  # each step sums 120 products
    for forms in (few, many):
        assert torch.allclose(forms.lower, forms.upper, rtol=1e-4, atol=error)
    assert torch.allclose(few.upper, many.upper, rtol=1e-4, atol=error)


def test_a_start_of_zero_has_no_weight():
    forms = forms_after(SPREAD, torch.zeros(300, 2).double(), 6)
    assert [value.tolist() for value in forms] == [[0, 0]] * 4
