"""Neural collapse is measured as defined for any batches, and stays accurate near complete collapse."""

import numpy as np
import pytest
import torch

from grok.information import ClassMoments, collapse_of_moments, neural_collapse
from tests.geometries import collapsed_geometry, random_geometry, random_vectors
from tests.reference.collapse import naive_neural_collapse

NOISE, HEAD, BALANCED = random_geometry(90, num_classes=6, dim=9)
LABELS = torch.tensor([0] * 40 + [1] * 25 + [2] * 15 + [3] * 6 + [4] * 3 + [5])  # uneven, one class of one sample
FEATURES = NOISE + HEAD[LABELS]
BIAS = random_vectors(1, 6, 5)[0]


@pytest.mark.parametrize("bias", [None, 5 * BIAS])
@pytest.mark.parametrize("labels", [BALANCED, LABELS], ids=["balanced", "uneven"])
@pytest.mark.parametrize("dim", [1, 3, 5, 9])  # more classes than dimensions, a basis for a simplex, fewer classes
def test_all_ten_values_follow_the_definitions(dim, labels, bias):
    features, head = (NOISE + HEAD[labels])[:, :dim], HEAD[:, :dim]
    ours = neural_collapse([(features, labels)], head, bias)
    theirs = naive_neural_collapse(
        features.numpy(), labels.numpy(), head.numpy(), None if bias is None else bias.numpy()
    )
    assert 0.05 < theirs["nc4_agreement"] < 0.95
    for name, value in ours._asdict().items():
        assert value.item() == pytest.approx(theirs[name], rel=1e-11, abs=1e-11), name


@pytest.mark.parametrize("size", [1, 7, 89])
def test_batches_of_any_size_and_order_give_the_same(size):
    order = torch.randperm(90, generator=torch.Generator().manual_seed(0))
    batches = list(zip(FEATURES[order].split(size), LABELS[order].split(size), strict=True))
    np.testing.assert_allclose(neural_collapse(batches, HEAD), neural_collapse([(FEATURES, LABELS)], HEAD), atol=1e-12)


@pytest.mark.parametrize("num_classes", [2, 5, 9])
def test_at_collapse_all_is_zero_and_the_decisions_agree(num_classes):
    features, head, labels = collapsed_geometry(60, num_classes=num_classes, dim=12)
    uneven = labels % (1 + torch.arange(60) // 20 % num_classes)  # the first classes have most samples
    uneven = torch.cat([uneven, torch.arange(num_classes)])
    for samples in (labels, uneven):
        frame = features[:num_classes][samples]
        np.testing.assert_allclose(neural_collapse([(frame, samples)], 7 * head), [0] * 9 + [1], atol=1e-12)


def test_a_spread_of_a_millionth_about_a_mean_of_a_thousand_is_measured_right():
    offset = 1000 * torch.ones(12, dtype=torch.float64)
    features, head, labels = collapsed_geometry(200, num_classes=5, dim=12, noise=1e-6)
    near = neural_collapse([(features, labels)], head)
    batches = list(zip((features + offset).split(30), labels.split(30), strict=True))
    far = neural_collapse(batches, head)
    assert 1e-14 < near.nc1 < 1e-11
    for name in ("nc1", "cdnv"):
        assert getattr(far, name).item() == pytest.approx(getattr(near, name).item(), rel=1e-4)


def test_two_classes_on_a_line_by_hand():
    # means 0 and 4 (counts 2, 2), deviations ±1: Σ_W = 1, Σ_B = 4, so nc1 = 1 / 4 / 2; V = 1, so cdnv = 2 / (2 · 16)
    features = torch.tensor([[-1.0], [1.0], [3.0], [5.0]])
    labels = torch.tensor([0, 0, 1, 1])
    head, bias = torch.tensor([[-1.0], [1.0]]), torch.tensor([0.0, -4.0])
    collapse = neural_collapse([(features, labels)], head, bias)
    assert collapse.nc1.item() == pytest.approx(1 / 8, abs=1e-15)
    assert collapse.cdnv.item() == pytest.approx(1 / 16, abs=1e-15)
    assert collapse.nc3_self_duality.item() == pytest.approx(0, abs=1e-15)
    assert collapse.nc4_agreement == 1  # both decide at 2
    assert neural_collapse([(features, labels)], head).nc4_agreement == 0.75  # without a bias the head decides at 0


def test_uneven_classes_on_a_line_by_hand():
    # counts 4 and 2, means 0 and 6, mean of the samples 2: Σ_W = (4 + 2 · 4) / 6 = 2, Σ_B = (4 · 4 + 2 · 16) / 6 = 8,
    # so nc1 = 2 / 8 / 2; V = 1 and 4, so cdnv = 5 / (2 · 36)
    features = torch.tensor([[-1.0], [-1.0], [1.0], [1.0], [4.0], [8.0]])
    collapse = neural_collapse([(features, torch.tensor([0, 0, 0, 0, 1, 1]))], torch.tensor([[-1.0], [1.0]]))
    assert collapse.nc1.item() == pytest.approx(1 / 8, abs=1e-15)
    assert collapse.cdnv.item() == pytest.approx(5 / 72, abs=1e-15)


def test_rotation_scale_and_a_common_offset_change_nothing():
    rotation = torch.linalg.qr(random_vectors(9, 9, 3)).Q
    moved = neural_collapse([(3 * FEATURES @ rotation, LABELS)], 5 * HEAD @ rotation)
    np.testing.assert_allclose(moved, neural_collapse([(FEATURES, LABELS)], HEAD), atol=1e-11)
    shifted = neural_collapse([(FEATURES + 4, LABELS)], HEAD + 2)
    np.testing.assert_allclose(shifted[:9], neural_collapse([(FEATURES, LABELS)], HEAD)[:9], atol=1e-10)


def test_classes_with_one_mean_are_infinitely_variable_by_pairs():
    features, labels = torch.tensor([[0.0], [2.0], [0.0], [2.0], [9.0]]), torch.tensor([0, 0, 1, 1, 2])
    collapse = neural_collapse([(features, labels)], torch.tensor([[1.0], [2.0], [4.0]]))
    # Σ_W = 4 / 5, Σ_B = (4 · 2.56 + 1 · 40.96) / 5 = 10.24
    assert collapse.nc1.item() == pytest.approx(0.8 / 10.24 / 3, abs=1e-15)
    assert collapse.cdnv == torch.inf
    at_their_means = neural_collapse(
        [(torch.tensor([[1.0], [1.0], [9.0]]), torch.arange(3))], torch.tensor([[1.0], [2.0], [4.0]])
    )
    assert at_their_means.cdnv == torch.inf


def test_a_direction_of_rounding_size_between_class_means_adds_nothing():
    line = torch.tensor([[0.0], [1.0], [5.0]], dtype=torch.float64) * torch.tensor([[0.3, 0.7]], dtype=torch.float64)
    labels = torch.arange(60) % 3
    features = 1000 + line[labels] + random_vectors(60, 1, 4) * torch.tensor([[0.7, -0.3]], dtype=torch.float64)
    moments = ClassMoments(3, 2)
    moments.update(features, labels)
    features -= moments.means[labels] - (1000 + line)[labels]  # the means on a line but for rounding, samples across it
    assert neural_collapse([(features, labels)], HEAD[:3, :2]).nc1 < 1e-15


def test_classes_without_samples_are_left_out_with_their_head_rows():
    used = torch.tensor([True, False, True, True, False, True])
    kept = used[LABELS]
    renumbered = (used.cumsum(0) - 1)[LABELS[kept]]
    expected = neural_collapse([(FEATURES[kept], renumbered)], HEAD[used])
    moments = ClassMoments(6, 9)
    moments.update(FEATURES[kept], LABELS[kept])
    values = collapse_of_moments(moments, HEAD, expected.nc4_agreement)
    np.testing.assert_allclose(values, expected, rtol=1e-12)


def test_a_batch_of_moments_gives_the_values_of_each():
    several = []
    for labels in (LABELS, BALANCED, torch.zeros_like(LABELS)):
        several.append(ClassMoments(6, 9))
        several[-1].update(FEATURES, labels)
    stacked = {name: torch.stack([vars(moments)[name] for moments in several]) for name in vars(several[0])}
    heads, agreement = torch.stack([HEAD, 2 * HEAD, HEAD]), torch.ones(3, dtype=torch.float64)
    together = collapse_of_moments(ClassMoments.of(**stacked), heads, agreement)
    for place, (moments, head) in enumerate(zip(several, heads, strict=True)):
        alone = collapse_of_moments(moments, head, agreement[place])
        np.testing.assert_allclose([value[place] for value in together], alone, rtol=1e-12)
    assert together.cdnv[2].isnan()  # one class has no pairs, and raises nothing


def test_class_means_at_one_point_have_no_direction_and_raise_nothing():
    moments = ClassMoments(2, 1)
    moments.update(torch.tensor([[1.0], [3.0], [1.0], [3.0]]), torch.tensor([0, 0, 1, 1]))
    values = collapse_of_moments(moments, torch.tensor([[1.0], [2.0]]), torch.tensor(1.0).double())
    assert values.cdnv == torch.inf
    assert values.nc2_equinorm_means.isnan()
    assert values.nc3_self_duality.isnan()
    assert values.nc2_equinorm_head == 0


def test_single_precision_is_accumulated_in_double():
    collapse = neural_collapse([(FEATURES.float(), LABELS)], HEAD.float())
    expected = neural_collapse([(FEATURES.float().double(), LABELS)], HEAD.float().double())
    assert {value.dtype for value in collapse} == {torch.float64}
    np.testing.assert_array_equal(collapse, expected)


BATCH = (FEATURES, LABELS)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: neural_collapse(iter([BATCH]), HEAD), "batches: expected an iterable to read twice, got a list_iter"),
        (lambda: neural_collapse([(FEATURES[:40], LABELS[:40])], HEAD), "batches: .* all 6 classes, got none of 5"),
        (lambda: neural_collapse([], HEAD), "batches: expected samples of all 6 classes, got none of 6"),
        (lambda: neural_collapse([BATCH], HEAD[:1]), "weight: expected rows of at least 2 classes, got 1"),
        (lambda: neural_collapse([BATCH], HEAD[0]), r"weight: expected a matrix, shape \(n, d\), got \(9,\)"),
        (lambda: neural_collapse([BATCH], HEAD[:, :4]), "features: expected 4 dimensions, got 9"),
        (lambda: neural_collapse([BATCH], HEAD, BIAS[:2]), r"bias: expected one number per class, shape \(6,\), got "),
        (
            lambda: neural_collapse([BATCH], HEAD[:5]),
            r"labels: expected labels in \[0, 5\), one per head row, got 0 to 5",
        ),
        (lambda: neural_collapse([BATCH], HEAD, BIAS * torch.nan), "bias: expected finite numbers, got 6 that are not"),
        (
            lambda: neural_collapse([BATCH], torch.ones(6, 9)),
            r"weight: expected rows that differ from their mean, got 6 of 6 at the mean, .*first: class 0",
        ),
        (
            lambda: neural_collapse([(torch.tensor([[3.1], [4.1], [5.1]]), torch.arange(3))], HEAD[:3, :1]),
            r"class means: expected rows that differ from their mean, got 1 of 3 at the mean, .*first: class 1",
        ),
        (lambda: neural_collapse([(FEATURES[:, :1] * 1e-18 + 1 / 3, LABELS)], HEAD[:, :1]), "class means: .* 6 of 6"),
        (
            lambda: neural_collapse([(FEATURES, LABELS[:9])], HEAD),
            r"labels: expected one label per sample, shape \(90,",
        ),
        (lambda: neural_collapse([(FEATURES, LABELS - 1)], HEAD), r"labels: expected labels in \[0, 6\).*got -1 to 4"),
        (lambda: neural_collapse([(FEATURES, LABELS.double())], HEAD), "labels: expected a tensor of integers, got"),
        (lambda: neural_collapse([(FEATURES[0], LABELS)], HEAD), r"features: expected a matrix, .* got \(9,\)"),
        (lambda: neural_collapse([(FEATURES * torch.nan, LABELS)], HEAD), "features: expected finite numbers, got 810"),
    ],
)
def test_what_is_refused_is_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_batches_that_are_no_pairs_are_named():
    class Alone:
        def __iter__(self):
            yield FEATURES

    with pytest.raises(ValueError, match=r"batches: expected pairs of features and labels, got a Tensor \(in memory"):
        neural_collapse(Alone(), HEAD)


def test_batches_that_change_between_the_two_passes_are_noticed():
    class Shrinking:
        passes = 0

        def __iter__(self):
            self.passes += 1
            yield FEATURES, LABELS
            if self.passes == 1:
                yield FEATURES, LABELS

    with pytest.raises(ValueError, match="batches: expected the same samples twice, got 180 and then 90"):
        neural_collapse(Shrinking(), HEAD)
