"""The estimate is unbiased, with the error it states, and as accurate as it is asked to be."""

import math

import pytest
import torch

from grok.information import lanczos
from grok.information.lanczos import SecondMoment, lanczos_entropy
from tests.geometries import random_vectors as vectors
from tests.information.test_determinants import density, with_spectrum


def entropy_of(matrix):
    values = torch.linalg.eigvalsh(matrix)
    return -(values[values > 1e-15] * values[values > 1e-15].log()).sum().item()


def estimate(matrix, *, seed=0, rank=8, steps=40, allowed=0.01, **options):
    """Estimate the entropy of a dense matrix to `allowed` nats."""
    generator = torch.Generator().manual_seed(seed)
    n = len(matrix)
    subspace = torch.randn(n, rank, generator=generator, dtype=matrix.dtype)
    return lanczos_entropy(
        lambda columns: matrix @ columns,
        lambda count: torch.randint(2, (n, count), generator=generator).to(matrix.dtype) * 2 - 1,
        subspace,
        tolerance=lambda entropy: allowed,
        **({"num_probes": 4096, "steps": steps} | options),
    )


def square(matrix, cost=0.0):
    return SecondMoment(lambda: matrix.square().sum().item(), cost)


SPREAD = with_spectrum(torch.logspace(0, -6, 300, dtype=torch.float64))


@pytest.mark.parametrize("with_square", [False, True])
def test_the_estimate_has_no_bias_and_the_error_it_states(with_square):
    matrix = density(200, 400)
    expected = entropy_of(matrix)
    moment = square(matrix) if with_square else None
    estimates = [estimate(matrix, seed=seed, allowed=0.002, second_moment=moment) for seed in range(60)]
    assert all(each.reached for each in estimates)
    scores = torch.stack([(each.value - expected) / each.standard_error for each in estimates])
    assert scores.mean().abs() < 3 / math.sqrt(60)
    assert 0.6 < scores.square().mean().sqrt() < 1.3


def test_a_known_square_lowers_the_noise_and_is_taken_only_if_it_pays():
    matrix = density(200, 400)
    without, cheap, dear = (
        estimate(matrix, allowed=0.001, second_moment=moment)
        for moment in (None, square(matrix), square(matrix, cost=1e9))
    )
    assert cheap.reached
    assert cheap.num_probes < without.num_probes / 4
    assert dear == without


@pytest.mark.parametrize("allowed", [0.1, 0.01, 0.001])
def test_probes_are_added_until_the_tolerance_is_reached(allowed):
    matrix = density(200, 400)
    result = estimate(matrix, allowed=allowed)
    assert result.reached
    assert 2 * result.standard_error <= allowed
    assert (result.value - entropy_of(matrix)).abs() <= 1.5 * allowed


def test_it_ends_at_the_number_of_probes_or_at_the_budget_and_says_so():
    matrix = density(200, 400)
    few = estimate(matrix, allowed=1e-5, num_probes=50)
    assert (few.reached, few.num_probes) == (False, 50)
    early = estimate(matrix, allowed=1e-5, budget=1000.0)
    assert (early.reached, early.num_probes) == (False, lanczos.FIRST_PROBES)
    for result in (few, early):
        assert (result.value - entropy_of(matrix)).abs() < 4 * result.standard_error


@pytest.mark.parametrize("num_probes", [2, 3, 4])
def test_so_few_probes_leave_controls_out(num_probes):
    matrix = density(200, 400)
    result = estimate(matrix, num_probes=num_probes, second_moment=square(matrix))
    assert result.num_probes == num_probes
    assert 0 < result.standard_error.item() < 1
    assert (result.value - entropy_of(matrix)).abs() < 0.5


def test_too_few_steps_are_part_of_the_error():
    short, long = (estimate(SPREAD, steps=steps, num_probes=128) for steps in (3, 48))
    assert (short.value - entropy_of(SPREAD)).abs() < short.standard_error
    assert short.standard_error > 3 * long.standard_error


def test_equal_eigenvalues_leave_no_noise():
    values = torch.cat([torch.ones(100), torch.zeros(100)]).double()
    result = estimate(with_spectrum(values), rank=1, num_probes=4, allowed=1e-9)
    assert result.value.item() == pytest.approx(math.log(100), abs=1e-10)
    assert result.standard_error < 1e-10


def test_a_rank_within_the_subspace_is_computed_and_not_sampled():
    result = estimate(density(200, 6), rank=8)
    assert result.value.item() == pytest.approx(entropy_of(density(200, 6)), abs=1e-9)
    assert (result.standard_error, result.num_probes) == (0, 0)


def test_leading_directions_split_off_lower_the_noise():
    values = torch.cat([torch.logspace(1.5, 3, 8), torch.ones(292)]).double()
    with_few, with_all = (estimate(with_spectrum(values), rank=rank, num_probes=32, allowed=0.03) for rank in (1, 10))
    assert with_all.standard_error < with_few.standard_error / 5


def test_the_coupling_of_the_two_blocks_is_corrected_for_and_small_enough():
    """Random starts give poor Ritz vectors of a spectrum without gaps; their coupling may not exceed its share."""
    matrix = with_spectrum(1 / torch.arange(1.0, 301).double())
    for allowed in (0.1, 1e-3, 1e-4):
        product = lambda columns: matrix @ columns  # noqa: E731
        known = lanczos._ritz_vectors(product, vectors(300, 40))
        split = lanczos._Split(product, known, lambda entropy, allowed=allowed: allowed, 60)
        split.sample(vectors(300, 32, 1).sign())
        chosen = known.where(split.affordable())
        assert len(chosen.values) < len(known.values) or allowed == 0.1
        rest = torch.eye(300).double() - chosen.basis @ chosen.basis.mT
        relative_entropy = (
            torch.special.entr(chosen.values).sum().item() + _block_entropy(rest @ matrix @ rest) - entropy_of(matrix)
        )
        assert -1e-9 < relative_entropy < allowed / 4


def test_the_estimate_of_the_coupling_is_near_the_relative_entropy_of_the_blocks():
    matrix = with_spectrum(1 / torch.arange(1.0, 301).double())
    product = lambda columns: matrix @ columns  # noqa: E731
    known = lanczos._ritz_vectors(product, vectors(300, 40))
    split = lanczos._Split(product, known, lambda entropy: 0.01, 60)
    split.sample(vectors(300, 32, 1).sign())
    rest = torch.eye(300).double() - known.basis @ known.basis.mT
    relative_entropy = (
        torch.special.entr(known.values).sum().item() + _block_entropy(rest @ matrix @ rest) - entropy_of(matrix)
    )
    assert relative_entropy > 1e-5
    assert split._couplings().sum().item() == pytest.approx(relative_entropy, rel=0.5)


def _block_entropy(block):
    return torch.special.entr(torch.linalg.eigvalsh(block).clamp(min=0)).sum().item()
