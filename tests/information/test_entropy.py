"""Matrix entropy and effective rank follow their definitions, degenerate cases included."""

import numpy as np
import pytest
import scipy.linalg
import torch

from grok.information import effective_rank, gram, gram_entropy, matrix_entropy
from grok.information.entropy import shannon_entropy
from tests.geometries import random_vectors as vectors
from tests.tolerances import rounding


def test_entropy_is_the_trace_with_the_matrix_logarithm():
    matrix = gram(vectors(6, 9)).numpy()
    density = matrix / 6
    assert matrix_entropy(torch.tensor(matrix)).item() == pytest.approx(
        -np.trace(density @ scipy.linalg.logm(density)), abs=1e-12
    )


def test_entropy_of_orthogonal_vectors_is_log_n_and_of_parallel_ones_zero():
    assert matrix_entropy(torch.eye(7).double()).item() == pytest.approx(np.log(7), abs=1e-14)
    assert matrix_entropy(torch.ones(7, 7).double()).item() == pytest.approx(0, abs=1e-12)


def test_no_eigenvalue_is_moved_away_from_zero():
    orthogonal = torch.eye(10, dtype=torch.float64).repeat(900, 1)  # 9,000 samples of rank 10
    assert gram_entropy(orthogonal).item() == pytest.approx(np.log(10), abs=1e-12)


def test_the_small_side_serves_many_samples():
    rows = vectors(600, 10)
    assert gram_entropy(rows).item() == pytest.approx(matrix_entropy(gram(rows)).item(), abs=1e-10)


@pytest.mark.parametrize(("n", "d"), [(4, 6), (8, 3)])
def test_gradients_pass_gradcheck(n, d):
    rows = vectors(n, d).requires_grad_()
    assert torch.autograd.gradcheck(gram_entropy, (rows,))
    assert torch.autograd.gradcheck(effective_rank, (rows,))


def test_the_gradient_at_repeated_eigenvalues_is_that_of_finite_differences():
    identity = torch.eye(4, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(gram_entropy, (identity,), atol=1e-5)


@pytest.mark.parametrize("dead", [200, 490], ids=["some", "most"])
def test_columns_of_zeros_change_neither_value_nor_gradient_in_float32(dead):
    rows = vectors(1_000, 512).relu()
    rows[:, torch.randperm(512, generator=torch.Generator().manual_seed(0))[:dead]] = 0.0  # neurons that are off
    alive = rows[:, rows.any(dim=0)].requires_grad_()
    gram_entropy(alive).backward()
    variable = rows.float().requires_grad_()
    entropy = gram_entropy(variable)
    entropy.backward()
    assert entropy.item() == pytest.approx(gram_entropy(alive).item(), abs=1e-4)
    # d(entropy)/d(density) has eigenvalues of about log 512; a row's gradient is 2/1,000 of its products with that.
    error = 2 / 1_000 * np.log(512) * rounding(torch.float32, 512)
    assert variable.grad[:, ~rows.any(dim=0)].abs().max() < error < 0.01 * alive.grad.abs().max()
    torch.testing.assert_close(variable.grad[:, rows.any(dim=0)].double(), alive.grad, rtol=1e-3, atol=1e-6)


def test_a_spectrum_that_is_no_numbers_has_no_entropy():
    assert shannon_entropy(torch.tensor([0.5, torch.nan, 0.5])).isnan()
    assert shannon_entropy(torch.tensor([0.5, -1e-9, 0.0, 0.5])).item() == pytest.approx(np.log(2))


def test_effective_rank_of_one_direction_is_one_whatever_its_lengths():
    assert effective_rank(torch.tensor([[1.0, 2.0], [10.0, 20.0]]).double()).item() == pytest.approx(1, abs=1e-12)
