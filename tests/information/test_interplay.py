"""MIR and HDR follow their definitions, their bounds and their symmetries."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from grok.information import estimate_interplay, gram, gram_interplay, hdr, interplay, mir, mutual_information
from grok.information.interplay import interplay_of_entropies
from tests.geometries import random_vectors as vectors
from tests.reference.information import naive_weighted_interplay
from tests.tolerances import entropy_rounding


def ratio_rounding(entropy, n):
    """The error of MIR or HDR: that of the three entropies above the line, over the entropy below it.

    Without bound where the entropy below is rounding itself, unless the package takes it for zero.
    """
    return 3 * entropy_rounding(torch.float64, n) / max(entropy.item(), torch.finfo(torch.float64).eps)


@pytest.mark.parametrize(("n", "d1", "d2"), [(7, 12, 9), (30, 4, 6), (20, 3, 40)])
def test_the_smaller_side_gives_the_same_five_values(n, d1, d2):
    first, second = vectors(n, d1, 1), vectors(n, d2, 2)
    np.testing.assert_allclose(gram_interplay(first, second), interplay(gram(first), gram(second)), atol=1e-12)


def test_interplay_does_not_depend_on_rotation_scale_or_order():
    first, second = vectors(12, 5, 1), vectors(12, 7, 2)
    rotation = torch.linalg.qr(vectors(5, 5, 3)).Q
    scales = vectors(12, 1, 4).abs() + 0.1
    order = torch.randperm(12, generator=torch.Generator().manual_seed(5))
    moved = gram_interplay((scales * first @ rotation)[order], second[order])
    np.testing.assert_allclose(moved, gram_interplay(first, second), atol=1e-12)


def test_the_joint_entropy_is_of_the_product_of_gram_matrices_so_a_change_of_basis_of_one_side_changes_nothing():
    first, second = vectors(10, 4, 1), vectors(10, 4, 2)
    rotation = torch.linalg.qr(vectors(4, 4, 3)).Q
    before, after = gram_interplay(first, second), gram_interplay(first, second @ rotation)
    assert after.joint_entropy.item() == pytest.approx(before.joint_entropy.item(), abs=1e-12)


@settings(max_examples=50)
@given(st.integers(2, 12), st.integers(1, 8), st.integers(0, 10_000))
def test_a_rotated_copy_has_equal_entropy_and_hdr_zero(n, d, seed):
    first = vectors(n, d, seed)
    values = interplay(gram(first), gram(first @ torch.linalg.qr(vectors(d, d, seed + 1)).Q))
    assert values.entropy_1.item() == pytest.approx(values.entropy_2.item(), abs=1e-11)
    assert values.hdr < 1e-9


@st.composite
def unit_diagonal_matrices(draw, n):
    """Draw a positive semi-definite n×n matrix with ones on its diagonal, of any rank and with repeated rows."""
    rank = draw(st.integers(1, n + 2))
    rows = vectors(n, rank, draw(st.integers(0, 10_000)))
    rows = rows * torch.logspace(0, -draw(st.sampled_from([0, 2, 6])), rank, dtype=torch.float64)
    if draw(st.booleans()):  # some rows are others again, or their opposites
        chosen = torch.tensor(draw(st.lists(st.integers(0, n - 1), min_size=n, max_size=n)))
        rows = (
            rows[chosen] * torch.tensor(draw(st.lists(st.sampled_from([-1.0, 1.0]), min_size=n, max_size=n)))[:, None]
        )
    return gram(rows)


pairs = st.integers(2, 12).flatmap(lambda n: st.tuples(unit_diagonal_matrices(n), unit_diagonal_matrices(n)))


@settings(max_examples=150)
@given(pairs)
def test_the_ratios_are_fractions_and_symmetric_and_no_more_is_shared_than_there_is(pair):
    matrix_1, matrix_2 = pair
    values = interplay(matrix_1, matrix_2)
    n = len(matrix_1)
    smaller, larger = (choose(values.entropy_1, values.entropy_2) for choose in (torch.minimum, torch.maximum))
    assert -ratio_rounding(smaller, n) <= values.mir <= 1 + ratio_rounding(smaller, n)
    assert -ratio_rounding(larger, n) <= values.hdr <= 1 + ratio_rounding(larger, n)
    mutual, error = mutual_information(matrix_1, matrix_2), 3 * entropy_rounding(torch.float64, n)
    assert -error <= mutual <= smaller + error
    assert larger <= values.joint_entropy + error
    swapped = interplay(matrix_2, matrix_1)
    assert abs(swapped.mir - values.mir) <= 2 * ratio_rounding(smaller, n)
    assert abs(swapped.hdr - values.hdr) <= 2 * ratio_rounding(larger, n)


def test_orthogonal_vectors_share_everything():
    values = interplay(torch.eye(6).double(), torch.eye(6).double())
    np.testing.assert_allclose(values, [1, 0, np.log(6), np.log(6), np.log(6)], atol=1e-14)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_parallel_vectors_share_nothing_and_are_no_division_by_zero(dtype):
    parallel = (vectors(9, 1, 1) @ vectors(1, 5, 2)).to(dtype)
    against_random = gram_interplay(parallel, vectors(9, 5, 3).to(dtype))
    assert against_random.mir == 0
    assert against_random.hdr.item() == pytest.approx(1, abs=1e-5)
    against_itself = gram_interplay(parallel, parallel)
    assert (against_itself.mir, against_itself.hdr) == (0, 0)


@pytest.mark.parametrize("n", [4, 30, 300, 1000])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_what_rounding_leaves_of_parallel_vectors_is_taken_for_zero(n, dtype):
    parallel, other = ((vectors(n, 1, seed) @ vectors(1, 16, seed + 1)).to(dtype) for seed in (1, 3))
    for values in (gram_interplay(parallel, other), interplay(gram(parallel), gram(other))):
        assert (values.mir, values.hdr) == (0, 0)


def test_a_small_entropy_is_not_taken_for_zero():
    offset, second = 30 + vectors(500, 8, 1), vectors(500, 8, 2)
    exact = gram_interplay(offset, second)
    assert 0.005 < exact.entropy_1 < 0.02
    single = gram_interplay(offset.float(), second.float())
    assert single.mir.item() == pytest.approx(exact.mir.item(), abs=0.01)
    estimated = estimate_interplay(offset.float(), second.float(), torch.arange(500)).value
    assert estimated.mir.item() == pytest.approx(exact.mir.item(), abs=0.01)


def test_an_entropy_that_is_not_a_number_gives_ratios_that_are_none():
    nan, one = torch.tensor(torch.nan), torch.tensor(1.0)
    values = interplay_of_entropies(nan, one, one, n=4)
    assert values.mir.isnan()
    assert values.hdr.isnan()


def test_the_gradient_at_parallel_vectors_is_finite():
    parallel = torch.ones(6, 3, dtype=torch.float64, requires_grad=True)
    gram_interplay(parallel, vectors(6, 3)).mir.backward()
    assert parallel.grad.isfinite().all()


@pytest.mark.parametrize("ratio", [mir, hdr, mutual_information])
def test_gradients_of_the_ratios_pass_gradcheck(ratio):
    first, second = vectors(5, 8, 1).requires_grad_(), vectors(5, 7, 2).requires_grad_()
    assert torch.autograd.gradcheck(lambda a, b: ratio(gram(a), gram(b)), (first, second))


@pytest.mark.parametrize(("n", "d"), [(4, 7), (9, 3)])
def test_gradients_from_the_smaller_side_pass_gradcheck(n, d):
    first, second = vectors(n, d, 1).requires_grad_(), vectors(n, d, 2).requires_grad_()
    assert torch.autograd.gradcheck(lambda a, b: tuple(gram_interplay(a, b)), (first, second))


def test_a_batch_is_its_members_one_by_one():
    first, second = vectors(24, 6, 1).reshape(2, 3, 4, 6), vectors(24, 5, 2).reshape(2, 3, 4, 5)
    together = gram_interplay(first, second)
    for i in range(2):
        for j in range(3):
            alone = gram_interplay(first[i, j], second[i, j])
            np.testing.assert_allclose([value[i, j] for value in together], alone, atol=1e-13)
    np.testing.assert_allclose(interplay(gram(first), gram(second)), together, atol=1e-12)


def test_weighted_interplay_is_that_of_the_weighted_state():
    first, second = vectors(6, 3, 1), vectors(6, 4, 2)
    weights = torch.tensor([0.3, 0.0, 0.1, 0.25, 0.05, 0.3], dtype=torch.float64)
    values = gram_interplay(first, second, weights=weights)
    np.testing.assert_allclose(values, naive_weighted_interplay(first, second, weights.numpy()), atol=1e-12)


@pytest.mark.parametrize(("n", "d1", "d2"), [(7, 12, 9), (20, 3, 40)])
def test_equal_weights_are_none(n, d1, d2):
    first, second = vectors(n, d1, 1), vectors(n, d2, 2)
    weighted = gram_interplay(first, second, weights=torch.full((n,), 1 / n, dtype=torch.float64))
    np.testing.assert_allclose(weighted, gram_interplay(first, second), atol=1e-13)


@pytest.mark.parametrize("other", [0.0, torch.nan, 7.0])
def test_a_row_of_weight_0_is_left_out_whatever_it_is(other):
    first, second = vectors(9, 4, 1), vectors(9, 12, 2)
    used = torch.tensor([True, False, True, True, False, True, True, True, True])
    weights = used.double() / 7
    expected = gram_interplay(first[used], second[used])
    first[~used], second[~used] = other, other
    np.testing.assert_allclose(gram_interplay(first, second, weights=weights), expected, atol=1e-13)
    first.requires_grad_()
    gram_interplay(first, second, weights=weights).mir.backward()
    assert first.grad.isfinite().all()
    assert not first.grad[~used].any()


def test_a_weight_of_m_nths_is_a_row_that_is_there_m_times():
    first, second, times = vectors(5, 4, 1), vectors(5, 3, 2), torch.tensor([1, 3, 0, 2, 5])
    repeated = gram_interplay(first.repeat_interleave(times, dim=0), second.repeat_interleave(times, dim=0))
    weighted = gram_interplay(first, second, weights=times.double() / times.sum())
    np.testing.assert_allclose(weighted, repeated, atol=1e-12)


@settings(max_examples=100)
@given(st.integers(2, 10), st.integers(1, 6), st.integers(1, 6), st.integers(0, 10_000), st.data())
def test_weighted_ratios_are_fractions(n, d1, d2, seed, data):
    sizes = data.draw(st.lists(st.sampled_from([0.0, 1e-12, 0.01, 1.0, 3.0]), min_size=n, max_size=n).filter(any))
    weights = torch.tensor(sizes, dtype=torch.float64)
    values = gram_interplay(vectors(n, d1, seed), vectors(n, d2, seed + 1), weights=weights / weights.sum())
    smaller, larger = (choose(values.entropy_1, values.entropy_2) for choose in (torch.minimum, torch.maximum))
    assert -ratio_rounding(smaller, n) <= values.mir <= 1 + ratio_rounding(smaller, n)
    assert -ratio_rounding(larger, n) <= values.hdr <= 1 + ratio_rounding(larger, n)


def test_float32_stays_float32():
    values = gram_interplay(vectors(50, 20, 1).float(), vectors(50, 20, 2).float())
    assert {value.dtype for value in values} == {torch.float32}
    uneven = torch.linspace(0.5, 1.5, 50, dtype=torch.float64) / 50
    weighted = gram_interplay(vectors(50, 20, 1).float(), vectors(50, 20, 2).float(), weights=uneven)
    assert {value.dtype for value in weighted} == {torch.float32}


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: interplay(torch.ones(3, 4), torch.eye(3)), r"matrix_1: expected a square matrix.*got \(3, 4\)"),
        (lambda: interplay(torch.eye(3), torch.eye(4)), r"matrix_2: expected the shape of matrix_1, \(3, 3\), got"),
        (lambda: interplay(torch.eye(3), 2 * torch.eye(3)), "matrix_2: expected a Gram matrix of unit vectors"),
        (
            lambda: interplay(torch.eye(2), torch.tensor([[1.0, 0.5], [0.0, 1.0]])),
            "matrix_2: expected a symmetric matrix, got entries 0.5",
        ),
        (lambda: gram_interplay(torch.eye(3), torch.eye(4)), "vectors_2: expected the shape of vectors_1 without"),
        (lambda: gram_interplay(torch.eye(3), torch.full((3, 3), torch.nan)), "vectors_2: expected finite numbers"),
        (
            lambda: gram_interplay(torch.eye(3), torch.eye(3), weights=torch.ones(3) / 2),
            r"weights: expected a sum of 1, got one 0.5 away \(divide them by their sum\)",
        ),
        (
            lambda: gram_interplay(torch.eye(2), torch.eye(2), weights=torch.tensor([1.5, -0.5])),
            "weights: expected no negative number, got -0.5",
        ),
        (
            lambda: gram_interplay(torch.eye(2), torch.eye(2), weights=torch.tensor([1, 0])),
            "weights: expected float32 or float64, got torch.int64",
        ),
        (
            lambda: gram_interplay(torch.eye(2), torch.eye(2), weights=torch.tensor([torch.nan, 1.0])),
            "weights: expected finite numbers, got 1 that are not",
        ),
        (
            lambda: gram_interplay(torch.eye(3), torch.eye(3), weights=torch.ones(2) / 2),
            r"weights: expected the shape of vectors_1 without its last axis, \(3,\), got \(2,\)",
        ),
        (
            lambda: gram_interplay(torch.eye(2), torch.zeros(2, 2), weights=torch.tensor([0.0, 1.0])),
            "vectors_2: expected vectors that have a direction, got a zero vector at row 1",
        ),
    ],
)
def test_what_is_refused_is_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()
