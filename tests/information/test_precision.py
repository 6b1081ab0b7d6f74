"""Autocast changes no measure."""

import pytest
import torch

from grok.information import (
    estimate_interplay,
    exp_entropy,
    gram,
    gram_entropy,
    gram_interplay,
    information_loss,
    regression_error,
    regression_error_bound,
)
from tests.geometries import random_vectors as vectors

FIRST, SECOND = vectors(40, 9, 1).float(), vectors(40, 7, 2).float()
LABELS = torch.arange(40)


@pytest.mark.parametrize(
    "measure",
    [
        lambda: gram(FIRST),
        lambda: gram_entropy(FIRST),
        lambda: exp_entropy(FIRST),
        lambda: torch.stack(gram_interplay(FIRST, SECOND)),
        lambda: torch.stack(estimate_interplay(FIRST, SECOND, LABELS).value),
        lambda: torch.stack(estimate_interplay(FIRST, SECOND, LABELS, exact_side=0).value),
        lambda: information_loss(FIRST, SECOND, LABELS, kind="mir"),
        lambda: regression_error(FIRST, SECOND),
        lambda: regression_error_bound(FIRST, SECOND),
    ],
)
def test_autocast_changes_no_bit(measure):
    outside = measure()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        inside = measure()
    assert inside.dtype == torch.float32
    assert torch.equal(inside, outside)
