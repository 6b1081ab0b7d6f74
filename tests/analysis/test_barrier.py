"""A barrier is what rises above the line between the ends, and nothing else."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from grok.analysis.barrier import loss_barrier

OMEGAS = np.linspace(0, 1, 11)


def test_the_barrier_of_a_parabola_on_a_slope_is_its_height():
    slope = 0.3 + 0.9 * OMEGAS
    assert loss_barrier(OMEGAS, slope + 6 * OMEGAS * (1 - OMEGAS)) == pytest.approx(1.5)
    assert loss_barrier(OMEGAS, slope) == pytest.approx(0)
    assert loss_barrier(OMEGAS, slope - 6 * OMEGAS * (1 - OMEGAS)) == 0


def test_uneven_ends_make_no_barrier_where_the_mean_of_them_would():
    losses = np.array([0.0, 1.5, 2.0])
    assert loss_barrier(np.array([0.0, 0.75, 1.0]), losses) == 0


@given(st.lists(st.floats(-10, 10), min_size=11, max_size=11), st.integers(0, 100))
def test_a_barrier_is_never_negative_and_knows_no_order_of_points_and_no_direction(losses, seed):
    values = np.array(losses)
    barrier = loss_barrier(OMEGAS, values)
    order = np.random.default_rng(seed).permutation(11)
    assert barrier >= 0
    assert loss_barrier(OMEGAS[order], values[order]) == barrier
    assert loss_barrier(OMEGAS, values[::-1].copy()) == pytest.approx(barrier, abs=1e-12)


def test_a_barrier_is_no_number_where_a_loss_is_none():
    assert np.isnan(loss_barrier(OMEGAS, np.where(OMEGAS == 0.5, np.nan, 1.0)))


@pytest.mark.parametrize("omegas", [[0.0, 0.5], [0.5, 1.0], [0.0, 1.0, 1.5], [-0.5, 0.0, 1.0], []])
def test_a_line_without_both_ends_or_beyond_them_is_refused(omegas):
    with pytest.raises(ValueError, match=r"^omegas: expected values from 0 to 1 with both ends, got "):
        loss_barrier(np.array(omegas), np.ones(len(omegas)))
