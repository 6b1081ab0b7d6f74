"""Linear prediction is bounded by ranks and entropies as section 4.2 of the paper says."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from grok.information import (
    centre,
    exp_entropy,
    gram,
    gram_entropy,
    hdr,
    rank_ratio,
    regression_error,
    regression_error_bound,
)
from tests.geometries import random_vectors as vectors

shapes = st.tuples(st.integers(2, 12), st.integers(1, 8), st.integers(1, 8), st.integers(0, 10_000))


@settings(max_examples=60)
@given(shapes)
def test_no_linear_map_beats_the_spectrum_beyond_the_rank(shape):
    n, d1, d2, seed = shape
    first, second = vectors(n, d1, seed), vectors(n, d2, seed + 1)
    assert -1e-9 <= regression_error_bound(first, second) <= regression_error(first, second) + 1e-9
    assert regression_error(first, second) <= 1 + 1e-9


def test_the_bound_is_reached_by_the_leading_directions():
    angle = 2 * torch.pi * torch.arange(30, dtype=torch.float64)[:, None] / 30
    leading = torch.cat([angle.cos(), angle.sin()], dim=1)
    second = torch.cat([0.7**0.5 * leading, 0.3**0.5 * (4 * angle).cos(), 0.3**0.5 * (4 * angle).sin()], dim=1)
    assert regression_error_bound(leading, second).item() == pytest.approx(0.3, abs=1e-12)
    assert regression_error(leading, second).item() == pytest.approx(0.3, abs=1e-12)


@settings(max_examples=60)
@given(shapes)
def test_the_exponential_of_the_entropy_is_at_most_the_rank(shape):
    n, d, rank, seed = shape
    rows = vectors(n, rank, seed) @ vectors(rank, d, seed + 1)
    assert exp_entropy(rows).item() <= torch.linalg.matrix_rank(rows).item() + 1e-9


def test_more_directions_than_the_other_has_rank_for_cannot_be_predicted():
    first, second = vectors(40, 3, 1), vectors(40, 9, 2)
    assert torch.linalg.matrix_rank(first) < exp_entropy(second)
    assert regression_error_bound(first, second) > 0.4


@settings(max_examples=60)
@given(shapes)
def test_hdr_is_the_logarithm_of_the_rank_ratio_over_the_larger_entropy(shape):
    n, d1, d2, seed = shape
    first, second = vectors(n, d1 + 1, seed), vectors(n, d2 + 1, seed + 1)
    larger = torch.maximum(gram_entropy(first), gram_entropy(second))
    np.testing.assert_allclose(
        rank_ratio(first, second), (-hdr(gram(first), gram(second)) * larger).exp(), rtol=0, atol=1e-9
    )


def test_a_linear_image_is_predicted_without_error_and_there_is_no_intercept():
    first = torch.nn.functional.normalize(vectors(30, 5, 1))
    second = torch.nn.functional.normalize(first @ torch.linalg.qr(vectors(5, 5, 2)).Q)
    assert regression_error(first, second).item() == pytest.approx(0, abs=1e-12)
    ones = torch.ones(30, 2, dtype=torch.float64)
    assert regression_error(centre(first), ones).item() == pytest.approx(1, abs=0.01)


def test_a_batch_is_its_members_one_by_one():
    first, second = vectors(24, 2, 1).reshape(3, 8, 2), vectors(24, 5, 2).reshape(3, 8, 5)
    for measure in (regression_error, regression_error_bound, rank_ratio):
        alone = torch.stack([measure(a, b) for a, b in zip(first, second, strict=True)])
        np.testing.assert_allclose(measure(first, second), alone, atol=1e-12)


@pytest.mark.parametrize("measure", [regression_error, regression_error_bound, rank_ratio])
def test_sets_of_different_size_are_refused(measure):
    with pytest.raises(ValueError, match="vectors_2: expected the shape of vectors_1 without its last axis"):
        measure(torch.eye(3), torch.eye(4))
