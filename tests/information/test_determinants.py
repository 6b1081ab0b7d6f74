"""The entropy from determinants is the entropy from eigenvalues, and its gradient is theirs."""

import math

import pytest
import torch

from grok.information import determinants
from grok.information.determinants import determinant_entropy
from grok.information.entropy import density_entropy
from grok.information.gram import unit_rows
from tests.geometries import random_vectors as vectors


def density(n, rank, seed=0):
    unit = unit_rows(vectors(n, rank, seed))
    return unit @ unit.mT / n


def with_spectrum(eigenvalues):
    basis = torch.linalg.qr(vectors(len(eigenvalues), len(eigenvalues))).Q
    return (basis * eigenvalues / eigenvalues.sum()) @ basis.mT


def test_a_batch_keeps_its_shape_and_is_its_members_one_by_one():
    batch = torch.stack([density(10, rank, rank) for rank in range(1, 7)]).reshape(2, 3, 10, 10)
    together = determinant_entropy(batch)
    assert together.shape == (2, 3)
    alone = torch.stack([determinant_entropy(each) for each in batch.flatten(0, 1)]).reshape(2, 3)
    assert torch.allclose(together, alone, rtol=0, atol=1e-12)


def test_a_float32_matrix_which_rounding_may_leave_indefinite_is_refused():
    with pytest.raises(ValueError, match=r"density: expected float64, got torch.float32 \(form it from vectors.double"):
        determinant_entropy(density(10, 3).float())


@pytest.mark.parametrize("at_once", [1, 600, 1800])
def test_the_number_of_nodes_at_once_changes_nothing(at_once, monkeypatch):
    batch = torch.stack([density(10, rank, rank) for rank in range(1, 7)])
    expected = determinant_entropy(batch)
    monkeypatch.setattr(determinants, "AT_ONCE", at_once)
    assert torch.allclose(determinant_entropy(batch), expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize("decades", [2, 8, 16, 32])
def test_eigenvalues_over_many_orders_of_magnitude_cost_no_accuracy(decades):
    matrix = with_spectrum(torch.logspace(0, -decades, 60, dtype=torch.float64))
    assert determinant_entropy(matrix).item() == pytest.approx(density_entropy(matrix).item(), abs=1e-8)


def test_the_identity_and_a_single_direction():
    assert determinant_entropy(torch.eye(113).double() / 113).item() == pytest.approx(math.log(113), abs=1e-8)
    assert determinant_entropy(torch.ones(113, 113).double() / 113).item() == pytest.approx(0, abs=1e-8)


def test_its_gradient_is_that_of_the_eigenvalues():
    matrix = density(9, 20).requires_grad_()
    (by_determinants,) = torch.autograd.grad(determinant_entropy(matrix), matrix)
    (by_eigenvalues,) = torch.autograd.grad(density_entropy(matrix), matrix)
    # Along the identity the two differ: only one of them knows that the trace stays 1.
    difference = by_determinants - by_eigenvalues
    assert torch.allclose(difference, difference[0, 0] * torch.eye(9).double(), rtol=0, atol=1e-6)
