"""What is refused is named, with what was expected and what came."""

import pytest
import torch

from grok.information import gram, matrix_entropy


@pytest.mark.parametrize(
    ("vectors", "message"),
    [
        (torch.ones(3), r"vectors: expected vectors as rows, shape \(..., n, d\), got \(3,\)"),
        (torch.ones(0, 3), r"vectors: expected vectors as rows, shape \(..., n, d\), got \(0, 3\)"),
        (torch.ones(3, 2, dtype=torch.int64), r"vectors: expected float32 or float64, got torch.int64 \(convert"),
        (torch.tensor([[1.0, 0.0], [0.0, 0.0]]), "vectors: expected vectors that have a direction, got .* at row 1$"),
        (torch.zeros(2, 3, 4), "got a zero vector at row 0, 0$"),
        (torch.tensor([[1.0, torch.inf]]), "vectors: expected finite numbers, got 1 that are not"),
    ],
)
def test_vectors_without_a_gram_matrix_are_refused(vectors, message):
    with pytest.raises(ValueError, match=message):
        gram(vectors)


def test_a_matrix_that_is_not_of_unit_vectors_is_refused_with_the_mend():
    with pytest.raises(ValueError, match=r"got a diagonal 1 away from 1 .make it with grok.information.gram"):
        matrix_entropy(2 * torch.eye(3))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_what_gram_makes_is_accepted(dtype):
    features = torch.randn(500, 128, generator=torch.Generator().manual_seed(0), dtype=dtype)
    assert matrix_entropy(gram(features)) > 0
