"""The closed forms are what the measures give on the geometry they describe."""

import numpy as np
import pytest
import torch

from grok.information import gram, gram_interplay, interplay, simplex_etf_interplay
from tests.reference.information import simplex_etf


@pytest.mark.parametrize("num_classes", range(3, 201))
def test_the_interplay_of_a_simplex_frame_is_the_closed_form(num_classes):
    frame = gram(torch.tensor(simplex_etf(num_classes)))
    np.testing.assert_allclose(interplay(frame, frame), simplex_etf_interplay(num_classes), rtol=0, atol=1e-12)


def test_collapsed_samples_have_the_interplay_of_their_class_means():
    frame = torch.tensor(simplex_etf(10))
    samples = frame.repeat(7, 1)
    np.testing.assert_allclose(gram_interplay(samples, 3 * samples), simplex_etf_interplay(10), rtol=0, atol=1e-12)


@pytest.mark.parametrize(("num_classes", "mir"), [(10, 0.9524), (113, 0.9981)])
def test_the_published_values_come_out(num_classes, mir):
    assert simplex_etf_interplay(num_classes).mir.item() == pytest.approx(mir, abs=5e-5)


def test_two_classes_have_no_ratio():
    with pytest.raises(ValueError, match="num_classes: expected at least 3, got 2"):
        simplex_etf_interplay(2)
