"""Moments of classes add up over any batches and any choice of samples."""

import numpy as np
import pytest
import torch

from grok.information import ClassMoments, centre
from tests.geometries import random_geometry

NOISE, HEAD, _ = random_geometry(90, num_classes=6, dim=9)
LABELS = torch.tensor([0] * 40 + [1] * 25 + [2] * 15 + [3] * 6 + [4] * 3 + [5])  # uneven, one class of one sample
FEATURES = NOISE + HEAD[LABELS]


def test_moments_of_two_processes_merge_to_those_of_one():
    whole, first, second = (ClassMoments(6, 9) for _ in range(3))
    whole.update(FEATURES, LABELS)
    first.update(FEATURES[:50], LABELS[:50])
    second.update(FEATURES[50:], LABELS[50:])
    first.merge(second)
    for name in ("counts", "means", "within", "spreads", "global_mean"):
        np.testing.assert_allclose(getattr(first, name), getattr(whole, name), rtol=1e-13, atol=1e-12)


def test_the_total_scatter_is_that_within_plus_that_between():
    moments = ClassMoments(6, 9)
    moments.update(FEATURES, LABELS)
    np.testing.assert_allclose(moments.global_mean, FEATURES.mean(dim=0), atol=1e-14)
    centred = centre(FEATURES)
    np.testing.assert_allclose(moments.within + moments.between, centred.mT @ centred, atol=1e-10)
    assert moments.spreads.sum().item() == pytest.approx(moments.within.trace().item(), rel=1e-12)


def test_negative_labels_and_classes_without_samples_count_for_nothing():
    kept = (LABELS != 2) & (torch.arange(90) % 3 > 0)
    moments = ClassMoments.of_samples(FEATURES, torch.where(kept, LABELS, -100), num_classes=6)
    expected = ClassMoments(6, 9)
    expected.update(FEATURES[kept], LABELS[kept])
    assert moments.counts[2] == 0
    for name in ("counts", "means", "within", "spreads"):
        np.testing.assert_allclose(getattr(moments, name), getattr(expected, name), rtol=1e-13, atol=1e-12)
    present = torch.tensor([0, 1, 3, 4, 5])
    np.testing.assert_allclose(moments.centred_means[present], centre(expected.means[present]), atol=1e-13)
    assert not moments.centred_means[2].any()
    np.testing.assert_allclose(moments.global_mean, FEATURES[kept].mean(dim=0), atol=1e-13)


def test_moments_of_other_shapes_do_not_merge():
    with pytest.raises(ValueError, match=r"other.means: expected the shape of self.means, \(6, 9\), got \(1, 9\)"):
        ClassMoments(6, 9).merge(ClassMoments(1, 9))
