"""The losses are the paper's, and their gradients are correct also for degenerate spectra."""

import math

import pytest
import torch

from grok.information import InformationLoss, gram, information_loss, interplay
from tests.geometries import collapsed_geometry, fourier_geometry, random_geometry, random_vectors
from tests.tolerances import rounding

KINDS = ["mutual_information", "entropy_difference", "mir", "hdr"]


def parallel(n):
    """Return features of different lengths that all lie on one line."""
    _, head, labels = random_geometry(n, num_classes=4, dim=6)
    return random_vectors(n, 1, 1).abs() @ random_vectors(1, 6, 2), head, labels


def orthogonal(n):
    return torch.eye(n).double(), torch.eye(n).double(), torch.arange(n)


DEGENERATE = {
    "random, more samples than dimensions": random_geometry(12, num_classes=4, dim=5),
    "random, more dimensions than samples": random_geometry(6, num_classes=4, dim=9),
    "collapsed: each eigenvalue repeated, the rest 0": collapsed_geometry(12, num_classes=4, dim=6),
    "a Fourier circuit: eigenvalues in pairs, the rest 0": fourier_geometry(14, p=7, dim=6, frequencies=(1, 3)),
    "parallel features: one eigenvalue": parallel(8),
    "orthogonal: all eigenvalues equal": orthogonal(6),
    "one class alone: the head rows are one vector": (random_vectors(6, 4), random_vectors(3, 4), torch.ones(6).long()),
}


@pytest.mark.parametrize("case", DEGENERATE)
def test_the_values_are_those_of_the_interplay(case):
    features, head, labels = DEGENERATE[case]
    values = interplay(gram(features), gram(head[labels]))
    expected = {
        "mutual_information": -(values.entropy_1 + values.entropy_2 - values.joint_entropy),
        "entropy_difference": (values.entropy_1 - values.entropy_2).abs(),
        "mir": -values.mir,
        "hdr": values.hdr,
    }
    for kind in KINDS:
        loss = InformationLoss(kind, weight=0.25)(features, head, labels)
        assert loss.item() == pytest.approx(0.25 * expected[kind].item(), abs=1e-12)


@pytest.mark.parametrize("case", DEGENERATE)
def test_the_gradient_of_mutual_information_is_that_of_finite_differences(case):
    features, head, labels = DEGENERATE[case]
    variables = features.clone().requires_grad_(), head.clone().requires_grad_()
    assert torch.autograd.gradcheck(
        lambda f, v: information_loss(f, v, labels, kind="mutual_information"),
        variables,
        eps=1e-5,
        atol=2e-5,
        rtol=1e-4,
    )


# Where both entropies are equal the others have a kink, and where one is 0 a limit: there is no derivative to compare.
SMOOTH = [case for case in DEGENERATE if case.startswith(("random", "a Fourier"))]


@pytest.mark.parametrize("kind", ["entropy_difference", "mir", "hdr"])
@pytest.mark.parametrize("case", SMOOTH)
def test_the_gradients_of_the_others_are_those_of_finite_differences(case, kind):
    features, head, labels = DEGENERATE[case]
    features = features + 0.1 * features.roll(1, dims=1)  # so that the two entropies differ
    variables = features.clone().requires_grad_(), head.clone().requires_grad_()
    assert torch.autograd.gradcheck(
        lambda f, v: information_loss(f, v, labels, kind=kind), variables, eps=1e-5, atol=2e-5, rtol=1e-4
    )


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("case", DEGENERATE)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_no_gradient_is_infinite(case, kind, dtype):
    features, head, labels = DEGENERATE[case]
    features, head = (tensor.to(dtype, copy=True).requires_grad_() for tensor in (features, head))
    information_loss(features, head, labels, kind=kind).backward()
    largest = max(features.grad.abs().max(), head.grad.abs().max())
    assert largest.isfinite()
    assert largest < 10


def test_at_collapse_the_gradient_vanishes():
    features, head, labels = collapsed_geometry(12, num_classes=4, dim=6)
    for kind in KINDS:
        variable = features.clone().requires_grad_()
        information_loss(variable, head, labels, kind=kind).backward()
        assert variable.grad.abs().max() < 1e-6


@pytest.mark.parametrize("kind", KINDS)
def test_descent_lowers_the_loss(kind):
    features, head, labels = random_geometry(30, num_classes=5, dim=8)
    features = features + 2
    variable = features.clone().requires_grad_()
    optimiser = torch.optim.SGD([variable], lr=5.0)
    losses = []
    for _ in range(30):
        optimiser.zero_grad()
        loss = information_loss(variable, head, labels, kind=kind)
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    assert losses[-1] < losses[0] - 0.1


def test_half_precision_is_widened_and_autocast_changes_nothing():
    features, head, labels = random_geometry(30, num_classes=5, dim=8)
    features, head = features.bfloat16(), head.float()
    expected = information_loss(features.float(), head, labels, kind="mir")
    with torch.autocast("cpu", dtype=torch.bfloat16):
        loss = information_loss(features, head, labels, kind="mir")
    assert loss.dtype == torch.float32
    assert torch.equal(loss, expected)


@pytest.mark.parametrize("kind", KINDS)
def test_uniform_weights_over_some_samples_give_value_and_gradient_of_those_alone(kind):
    features, head, labels = random_geometry(14, num_classes=4, dim=5)
    features[3], features[6], head[2] = 0.0, torch.nan, 0.0
    counted = labels != 2
    counted[[3, 6, 8]] = False
    assert 4 < counted.sum() < 12
    weighted, alone = (
        [tensor.clone().requires_grad_() for tensor in (features, head)],
        [features[counted].clone().requires_grad_(), head.clone().requires_grad_()],
    )
    weights = counted.double() / counted.sum()
    loss = information_loss(*weighted, labels, kind=kind, weights=weights)
    expected = information_loss(*alone, labels[counted], kind=kind)
    assert loss.item() == pytest.approx(expected.item(), abs=1e-12)
    assert abs(expected.item()) > 1e-2
    loss.backward()
    expected.backward()
    torch.testing.assert_close(weighted[0].grad[counted], alone[0].grad, rtol=0, atol=1e-11)
    torch.testing.assert_close(weighted[1].grad, alone[1].grad, rtol=0, atol=1e-11)
    assert not weighted[0].grad[~counted].any()
    unchecked = information_loss(features, head, labels, kind=kind, weights=weights, check=False)
    assert unchecked.item() == pytest.approx(expected.item(), abs=1e-12)


@pytest.mark.parametrize("kind", KINDS)
def test_of_few_samples_among_many_in_float32_the_value_and_the_gradient_are_numbers_and_theirs(kind):
    features, head, _ = random_geometry(512, num_classes=10, dim=128)
    features, labels = features.relu(), torch.arange(512) % 10
    counted = torch.arange(512) % 25 == 3  # 21 of them; LAPACK fails on the zeros of the others
    alone = features[counted].requires_grad_()
    expected = information_loss(alone, head, labels[counted], kind=kind)
    expected.backward()
    variable = features.float().requires_grad_()
    loss = information_loss(variable, head.float(), labels, kind=kind, weights=counted.float() / counted.sum())
    loss.backward()
    # The 491 rows of zeros get eigenvalues of 1/21, whose entropy of 71 nats is taken off again.
    error = rounding(torch.float32, 512) * 491 / 21 * math.log(21)
    assert loss.item() == pytest.approx(expected.item(), abs=error)
    torch.testing.assert_close(variable.grad[counted].double(), alone.grad, rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        ([0.5, 0.5, 0.5], r"weights: expected a sum of 1, got one 0.5 away \(divide them by their sum\)"),
        ([1.5, -0.5, 0.0], "weights: expected no negative number, got -0.5"),
        ([float("nan"), 0.5, 0.5], "weights: expected finite numbers, got 1 that are not"),
        ([0.5, 0.5], r"weights: expected the shape of features without its last axis, \(3,\), got \(2,\)"),
        ([0.0, 0.5, 0.5], "features: expected finite numbers, got 2 that are not"),
        ([0.5, 0.0, 0.5], "head: expected rows that have a direction for all labels, got a zero vector at row 2"),
    ],
)
def test_weights_that_cannot_be_are_refused_in_one_line(weights, message):
    features, head = torch.tensor([[1.0, 0.0], [torch.nan, torch.nan], [0.0, 1.0]]), torch.eye(3, 2)
    with pytest.raises(ValueError, match=f"^{message}$"):
        information_loss(features, head, torch.arange(3), kind="mir", weights=torch.tensor(weights))


def test_its_settings_are_shown():
    assert repr(InformationLoss("hdr", weight=0.5)) == "InformationLoss('hdr', weight=0.5)"


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: InformationLoss("mi", 1.0), "kind: expected one of mutual_information, entropy_difference, mir, hdr"),
        (lambda: InformationLoss("mir", -1.0), "weight: expected a finite number of at least 0, got -1.0"),
        (lambda: InformationLoss("mir", float("nan")), "weight: expected a finite number of at least 0, got nan"),
        (
            lambda: InformationLoss("mir", 1.0)(torch.zeros(2, 3, 1), torch.ones(2, 1), torch.arange(2)),
            r"features: expected a matrix, shape \(n, d\), got \(2, 3, 1\)",
        ),
        (
            lambda: InformationLoss("mir", 1.0)(torch.zeros(2, 3), torch.ones(2, 3), torch.arange(2)),
            "features: expected vectors that have a direction",
        ),
        (
            lambda: InformationLoss("mir", 1.0)(torch.ones(2, 3), torch.ones(2, 3), torch.tensor([0, 2])),
            r"labels: expected labels in \[0, 2\)",
        ),
    ],
)
def test_what_is_refused_is_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()
