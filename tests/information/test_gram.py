"""A Gram matrix holds the cosines of its vectors."""

import numpy as np
import pytest
import torch

from grok.information import gram
from tests.geometries import random_vectors as vectors
from tests.reference.information import naive_gram
from tests.tolerances import rounding


def test_a_gram_matrix_holds_the_cosines():
    rows = vectors(6, 4)
    np.testing.assert_allclose(gram(rows), naive_gram(rows.numpy()), atol=1e-14)


@pytest.mark.parametrize("scale", [1e-30, 1e30])
def test_lengths_far_from_one_neither_overflow_nor_underflow(scale):
    rows = vectors(5, 4).float()
    error = 3 * rounding(torch.float32, 4)  # of the lengths, of the unit vectors and of their products
    np.testing.assert_allclose(gram(rows * scale), gram(rows), rtol=0, atol=error)


def test_gradients_pass_gradcheck():
    assert torch.autograd.gradcheck(gram, (vectors(4, 3).requires_grad_(),))
