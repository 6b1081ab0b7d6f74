"""The estimate for a whole data set agrees with the interplay of its n×n matrices, which it never forms."""

import warnings

import numpy as np
import pytest
import torch

from grok.information import AccuracyWarning, estimate, estimate_interplay, gram_interplay
from grok.information.estimate import _JointDensity
from grok.information.gram import unit_rows
from tests.geometries import collapsed_geometry, fourier_geometry, random_geometry, random_vectors


def noisy_classes(n, *, num_classes=113, dim=96):
    """Features scattered about the head rows of their classes."""
    head, labels = random_vectors(num_classes, dim, 3), torch.arange(n) % num_classes
    return head[labels] + 0.7 * random_vectors(n, dim, 4), head, labels


def offset(features, head, labels):
    return features + 3, head, labels


UNEVEN = torch.cat([torch.zeros(150), torch.ones(3), torch.full((40,), 2), torch.full((7,), 5)]).long()

# each has a smaller side of its own: (features, head, labels)
EXACT = {
    "fewer samples than products of features": random_geometry(90, num_classes=7, dim=16),
    "more samples of a class than dimensions": random_geometry(600, num_classes=7, dim=16),
    "fewer products of features than classes times dimensions": random_geometry(600, num_classes=90, dim=5),
    "classes of uneven size, one of them empty, out of order": (
        random_vectors(200, 12, 1),
        random_vectors(6, 9, 2),
        UNEVEN[torch.randperm(200, generator=torch.Generator().manual_seed(0))],
    ),
}


@pytest.mark.parametrize("case", EXACT)
def test_through_a_small_side_it_is_exact(case):
    features, head, labels = EXACT[case]
    estimate = estimate_interplay(features, head, labels)
    np.testing.assert_allclose(estimate.value, gram_interplay(features, head[labels]), rtol=0, atol=1e-10)
    assert list(estimate.standard_error) == [0] * 5


@pytest.mark.parametrize("case", EXACT)
def test_sampled_it_is_within_three_standard_errors_and_the_single_entropies_stay_exact(case):
    features, head, labels = EXACT[case]
    exact = gram_interplay(features, head[labels])
    value, error = estimate_interplay(features, head, labels, exact_side=0, rtol=0.05, num_probes=4096)
    known = case == "fewer products of features than classes times dimensions"  # the columns of the classes span all
    assert (error.mir == 0) == known
    assert error.mir <= 0.025 * value.mir
    assert (value.mir - exact.mir).abs() <= 3 * error.mir + 1e-10
    assert (value.joint_entropy - exact.joint_entropy).abs() <= 3 * error.joint_entropy + 1e-10
    np.testing.assert_allclose(
        [value.hdr, value.entropy_1, value.entropy_2], [exact.hdr, exact.entropy_1, exact.entropy_2], rtol=0, atol=1e-11
    )
    assert error.hdr == error.entropy_1 == error.entropy_2 == 0


SAMPLED = {
    "random": random_geometry(1500),
    "noisy classes": noisy_classes(1500),
    "collapsed": collapsed_geometry(1500, num_classes=100, noise=0.1),
    "fourier": fourier_geometry(1500, noise=0.5),
    "offset by 3": offset(*random_geometry(1500)),
}


@pytest.mark.parametrize("rtol", [0.01, 0.001])
@pytest.mark.parametrize("case", SAMPLED)
def test_the_accuracy_asked_for_is_reached(case, rtol):
    features, head, labels = SAMPLED[case]
    exact = gram_interplay(features, head[labels])
    errors = []
    for seed in range(5):
        value, error = estimate_interplay(
            features.float(), head.float(), labels, rtol=rtol, exact_side=0, num_probes=2048, seed=seed
        )
        assert 2 * error.mir <= rtol * value.mir
        assert value.hdr.item() == pytest.approx(exact.hdr.item(), rel=1e-3, abs=1e-5)
        errors.append((value.mir / exact.mir - 1).abs().item())
    assert sorted(errors)[3] <= rtol


@pytest.mark.parametrize(("rtol", "seeds"), [(0.01, 60), (0.001, 60)])
@pytest.mark.parametrize("case", ["random", "noisy classes"])
def test_two_standard_errors_hold_95_percent_of_the_seeds(case, rtol, seeds):
    features, head, labels = (
        random_geometry(400, num_classes=20, dim=48) if case == "random" else noisy_classes(400, num_classes=20, dim=48)
    )
    exact = gram_interplay(features, head[labels]).mir
    within = 0
    for seed in range(seeds):
        value, error = estimate_interplay(features, head, labels, rtol=rtol, exact_side=0, num_probes=4096, seed=seed)
        within += int((value.mir - exact).abs() <= 2 * error.mir)
    assert within >= 0.95 * seeds - 3 * (0.95 * 0.05 * seeds) ** 0.5


def test_what_cannot_be_reached_is_warned_of_with_the_error_that_holds():
    features, head, labels = SAMPLED["offset by 3"]
    exact = gram_interplay(features, head[labels])
    with pytest.warns(
        AccuracyWarning, match=r"^rtol: expected MIR to 0.1 % of itself, got [\d.]+ % from 8 random vectors"
    ):
        value, error = estimate_interplay(features, head, labels, rtol=0.001, exact_side=0, num_probes=8)
    assert 2 * error.mir > 0.001 * value.mir
    assert (value.mir - exact.mir).abs() < 4 * error.mir


def test_a_moderate_side_is_computed_exactly_where_sampling_falls_short():
    features, head, labels = SAMPLED["offset by 3"]
    exact = gram_interplay(features, head[labels])
    value, error = estimate_interplay(features, head, labels, rtol=1e-7, exact_side=1024)
    np.testing.assert_allclose(value, exact, rtol=0, atol=1e-10)
    assert list(error) == [0] * 5


def test_collapsed_features_are_split_off_entirely():
    features, head, labels = collapsed_geometry(1500, num_classes=100)
    exact = gram_interplay(features, head[labels])
    value, error = estimate_interplay(features, head, labels, exact_side=0)
    np.testing.assert_allclose(value, exact, rtol=0, atol=1e-9)
    assert list(error) == [0] * 5


@pytest.mark.parametrize("exact_side", [0, 1024])
@pytest.mark.parametrize(
    ("features", "head", "labels"),
    [
        (random_vectors(2, 5, 1), random_vectors(2, 5, 2), torch.tensor([0, 1])),
        (random_vectors(1, 5, 1), random_vectors(2, 5, 2), torch.tensor([1])),
        (random_vectors(60, 5, 1), random_vectors(3, 5, 2), torch.ones(60).long()),
        (random_vectors(1, 5, 1).expand(60, 5), random_vectors(3, 5, 2), torch.arange(60) % 3),
        (
            random_vectors(1, 5, 1) * torch.tensor([1.0, -1.0] * 30)[:, None],
            random_vectors(3, 5, 2),
            torch.arange(60) % 3,
        ),
    ],
    ids=["two samples", "one sample", "one class", "identical features", "opposite features"],
)
def test_degenerate_samples_are_exact(features, head, labels, exact_side):
    exact = gram_interplay(features, head[labels])
    value, error = estimate_interplay(features, head, labels, exact_side=exact_side)
    np.testing.assert_allclose(value, exact, rtol=0, atol=1e-10)
    assert list(error) == [0] * 5


def test_more_classes_than_columns_are_mixed():
    features, head, labels = noisy_classes(1200, num_classes=100, dim=40)
    exact = gram_interplay(features, head[labels])
    value, error = estimate_interplay(features, head, labels, exact_side=0, rank=30)
    assert 2 * error.mir <= 0.01 * value.mir
    assert (value.mir - exact.mir).abs() < 3 * error.mir


def test_the_same_seed_gives_the_same_numbers_and_another_seed_others():
    case = random_geometry(300, num_classes=20, dim=24)
    first, again, other = (estimate_interplay(*case, exact_side=0, seed=seed).value.mir.item() for seed in (3, 3, 4))
    assert first == again
    assert first != other


@pytest.mark.parametrize("dtype", [torch.uint8, torch.int32])
def test_labels_may_be_any_integers(dtype):
    features, head, labels = EXACT["fewer samples than products of features"]
    expected = estimate_interplay(features, head, labels).value
    np.testing.assert_array_equal(estimate_interplay(features, head, labels.to(dtype)).value, expected)


def test_classes_cut_into_pieces_are_the_dense_joint_density():
    labels = torch.tensor([0] * 40 + [1] * 3 + [2] * 2 + [3] * 5)  # the first is cut, the others padded
    rows, heads = unit_rows(random_vectors(50, 60, 1)), unit_rows(random_vectors(4, 9, 2))
    product = _JointDensity(rows, heads, labels, n=50)
    columns = product.random_columns(7, torch.Generator().manual_seed(0))
    assert columns.abs().sum() == 50 * 7
    assert len(columns) > 50
    dense = (rows @ rows.mT) * (heads @ heads.mT)[labels][:, labels] / 50
    torch.testing.assert_close(product(columns)[product._slot], dense @ columns[product._slot], rtol=0, atol=1e-12)
    padding = torch.ones(len(columns), dtype=torch.bool)
    padding[product._slot] = False
    assert product(columns)[padding].abs().sum() == 0


def test_the_trace_of_the_square_is_that_of_the_dense_joint_density():
    labels = torch.tensor([0] * 40 + [1] * 3 + [2] * 2 + [3] * 5)
    rows, heads = unit_rows(random_vectors(50, 60, 1)), unit_rows(random_vectors(4, 9, 2))
    dense = (rows @ rows.mT) * (heads @ heads.mT)[labels][:, labels] / 50
    product = _JointDensity(rows, heads, labels, n=50)
    for width in (1, 7, 100):
        product._width = width
        assert product.trace_of_square() == pytest.approx(dense.square().sum().item(), rel=1e-12)


def test_uneven_classes_are_estimated_as_they_are():
    features, head = random_vectors(400, 400, 1), random_vectors(8, 9, 2)
    labels = torch.cat([torch.zeros(300), torch.arange(100) % 7 + 1]).long()
    exact = gram_interplay(features, head[labels])
    value, error = estimate_interplay(features, head, labels, exact_side=0)
    assert 0 < error.mir <= 0.005 * value.mir
    assert (value.mir - exact.mir).abs() < 3 * error.mir


@pytest.mark.parametrize("at_once", [1, 100])
def test_the_products_of_features_may_be_formed_in_parts(at_once, monkeypatch):
    case = EXACT["fewer products of features than classes times dimensions"]
    expected = estimate_interplay(*case).value
    monkeypatch.setattr(estimate, "ROWS_AT_ONCE", at_once)
    np.testing.assert_allclose(estimate_interplay(*case).value, expected, rtol=0, atol=1e-12)


def test_the_order_of_samples_changes_nothing_where_it_is_exact():
    features, head, labels = EXACT["more samples of a class than dimensions"]
    order = torch.randperm(len(labels), generator=torch.Generator().manual_seed(0))
    np.testing.assert_allclose(
        estimate_interplay(features[order], head, labels[order]).value,
        estimate_interplay(features, head, labels).value,
        rtol=0,
        atol=1e-10,
    )


@pytest.mark.filterwarnings("ignore::grok.information.AccuracyWarning")
def test_it_needs_no_memory_of_size_n_squared():
    n = 20_000  # n² float32 numbers are 1.6 GB; twice that would be held
    features, head, labels = (each.float() if each.is_floating_point() else each for each in random_geometry(n, dim=32))
    with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CPU], profile_memory=True) as profile:
        estimate_interplay(features, head, labels, exact_side=0, rtol=10.0, num_probes=8, rank=4, steps=4)
    largest = max(event.self_cpu_memory_usage for event in profile.events())
    assert largest < 16 * features.numel() * 4


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"features": torch.ones(4)}, r"features: expected a matrix, shape \(n, d\), got \(4,\)"),
        ({"head": torch.ones(1, 2, 1)}, r"head: expected a matrix, shape \(n, d\), got \(1, 2, 1\)"),
        ({"features": torch.tensor([[1.0], [0.0], [1.0]])}, "features: expected vectors that have a direction"),
        (
            {"head": torch.tensor([[1.0], [0.0]])},
            "head: expected rows that have a direction for all labels, got a zero vector at row 1",
        ),
        ({"labels": torch.tensor([0.0, 1, 0])}, "labels: expected a tensor of integers, got torch.float32"),
        ({"labels": torch.tensor([0, 1])}, r"labels: expected one label per sample, shape \(3,\), got \(2,\)"),
        ({"labels": torch.tensor([0, 2, 1])}, r"labels: expected labels in \[0, 2\), one per head row, got 0 to 2"),
        ({"rtol": 0.0}, "rtol: expected a number above 0, got 0.0"),
        ({"num_probes": 1}, "num_probes: expected an integer of at least 2, got 1"),
        ({"rank": 0}, "rank: expected an integer of at least 1, got 0"),
        ({"steps": 1}, "steps: expected an integer of at least 2, got 1"),
        ({"exact_side": -1}, "exact_side: expected an integer of at least 0, got -1"),
    ],
)
def test_what_is_refused_is_named(change, message):
    usual = {"features": torch.ones(3, 1), "head": torch.ones(2, 1), "labels": torch.tensor([0, 1, 1])}
    with pytest.raises(ValueError, match=message):
        estimate_interplay(**(usual | change))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize(("n", "dim"), [(512, 128), (1000, 256), (2000, 64), (4000, 16)])
def test_parallel_features_share_nothing(n, dim, dtype):
    features = random_vectors(1, dim, 1).to(dtype).repeat(n, 1)
    values = estimate_interplay(features, random_vectors(100, 64, 2).to(dtype), torch.arange(n) % 100).value
    assert values.mir == 0
    assert values.hdr.item() == pytest.approx(1, abs=1e-4)


@pytest.mark.parametrize("num_probes", [2, 3, 4])
def test_from_a_few_random_vectors_an_accuracy_is_claimed_only_if_it_is_sure(num_probes):
    geometry = random_geometry(500, num_classes=50, dim=32)
    exact, claimed = gram_interplay(geometry[0], geometry[1][geometry[2]]).mir, []
    for seed in range(20):
        with warnings.catch_warnings(record=True) as said:
            warnings.simplefilter("always")
            found = estimate_interplay(
                *geometry, rtol=0.02, exact_side=0, num_probes=num_probes, rank=16, steps=24, seed=seed
            )
        if not said:
            claimed.append(abs(found.value.mir / exact - 1).item())
    assert sum(error > 0.02 for error in claimed) <= max(1, len(claimed) // 10)
