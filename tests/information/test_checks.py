"""The error for a rejected argument names it, what was expected and what was passed."""

import math
import re

import jaxtyping
import numpy as np
import pytest
import torch

from grok.information import (
    ClassMoments,
    Monitor,
    estimate_interplay,
    fourier_interplay,
    gram,
    matrix_entropy,
    orthogonal_frame_interplay,
    simplex_etf_interplay,
)
from grok.information.checks import check_integer
from grok.information.metrics import MatrixEntropy, MatrixMutualInformationRatio


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


HALVES = torch.tensor([0.5, 0.5])
SAMPLES = torch.ones(3, 1), torch.ones(2, 1), torch.tensor([0, 1, 1])

# argument -> what is expected of it, and a call with a value of it
INTEGERS = {
    "num_classes": ("an integer of at least 3", simplex_etf_interplay),
    "num_vectors": ("an integer of at least 2", orthogonal_frame_interplay),
    "p": ("an integer of at least 2", lambda value: fourier_interplay(HALVES, HALVES, value, check=False)),
    "exact_side": ("an integer of at least 0", lambda value: estimate_interplay(*SAMPLES, exact_side=value)),
    "num_probes": ("an integer of at least 2", lambda value: estimate_interplay(*SAMPLES, num_probes=value)),
    "rank": ("an integer of at least 1", lambda value: estimate_interplay(*SAMPLES, rank=value)),
    "steps": ("an integer of at least 2", lambda value: estimate_interplay(*SAMPLES, steps=value)),
    "seed": ("an integer", lambda value: estimate_interplay(*SAMPLES, seed=value)),
    "num_classes of moments": ("an integer of at least 1", lambda value: ClassMoments(value, 1)),
    "dim": ("an integer of at least 1", lambda value: ClassMoments(2, value)),
    "num_features": ("an integer of at least 1", MatrixEntropy),
    "num_probes of a metric": (
        "an integer of at least 2",
        lambda value: MatrixMutualInformationRatio(num_probes=value),
    ),
    "seed of a metric": ("an integer", lambda value: MatrixMutualInformationRatio(seed=value)),
    "sample_size": (
        "an integer of at least 2, or None for all",
        lambda value: Monitor(torch.nn.Linear(2, 3), head="", sample_size=value),
    ),
    "ignore_index": (
        "an integer, or None",
        lambda value: Monitor(torch.nn.Linear(2, 3), head="", ignore_index=value),
    ),
}


@pytest.fixture
def unwatched():
    """Switch off jaxtyping's checks, which a user's code does not have."""
    jaxtyping.config.update("jaxtyping_disable", True)
    yield
    jaxtyping.config.update("jaxtyping_disable", False)


@pytest.mark.parametrize("value", ["a", 2.5, torch.tensor([3, 4])], ids=repr)
@pytest.mark.parametrize("argument", INTEGERS)
def test_what_is_no_integer_is_refused_wherever_one_is_asked_for(unwatched, argument, value):
    expected, call = INTEGERS[argument]
    line = f"{argument.split()[0]}: expected {expected}, got {value!r}"
    with pytest.raises(ValueError, match=f"^{re.escape(line)}$"):
        call(value)


@pytest.mark.parametrize("value", [7, np.int64(7), torch.tensor(7)], ids=repr)
def test_integers_of_every_kind_are_taken_and_those_below_the_least_are_not(value):
    check_integer("n", value)
    check_integer("n", value, 7)
    with pytest.raises(ValueError, match=r"^n: expected an integer of at least 8, or none, got "):
        check_integer("n", value, 8, also=", or none")


@pytest.mark.parametrize(
    "call",
    [
        lambda value: estimate_interplay(*SAMPLES, rtol=value),
        lambda value: MatrixMutualInformationRatio(rtol=value),
    ],
    ids=["estimate", "metric"],
)
@pytest.mark.parametrize("value", [0, -0.1, math.inf, math.nan, "0.1", None, True])
def test_an_accuracy_is_a_number_above_zero(unwatched, call, value):
    with pytest.raises(ValueError, match=re.escape(f"rtol: expected a number above 0, got {value!r}")):
        call(value)
