"""The phases of a record give the barrier between two networks, the stages at each sparsity, and twins."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from grok.analysis.phases import (
    at_omega,
    barrier_of_test_loss,
    loss_barrier,
    networks_between,
    pruning_stages,
    trainings,
)

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


METRICS = pd.DataFrame(
    {
        "connectivity/omega": [0.0, 1.0, 0.0, 0.5, np.nan, 1.0],
        "connectivity/recomputed": [0.0, 0.0, 0.0, 0.0, np.nan, 0.0],
        "test/loss": [9.0, 8.0, 0.25, 2.5, 7.0, 0.75],
    },
    index=[0, 10, 20, 21, 22, 23],
)


def test_the_networks_between_come_after_both_trainings_and_have_an_omega():
    assert networks_between(METRICS, steps=10).index.tolist() == [20, 21, 23]
    for missing in ("connectivity/omega", "connectivity/recomputed"):
        assert networks_between(METRICS.drop(columns=missing), steps=10).empty


def test_the_barrier_of_rows_is_that_of_their_test_loss_or_no_number_without_both_ends():
    between = networks_between(METRICS, steps=10)
    assert barrier_of_test_loss(between) == 2.0
    assert np.isnan(barrier_of_test_loss(between.iloc[:2]))
    assert np.isnan(barrier_of_test_loss(between.assign(**{"test/loss": [np.nan, 2.5, 0.75]})))
    assert np.isnan(barrier_of_test_loss(between.drop(columns="test/loss")))


def test_what_was_not_measured_at_an_omega_is_no_number():
    between = networks_between(METRICS, steps=10)
    assert at_omega(between, "test/loss", 0.5) == 2.5
    assert np.isnan(at_omega(between, "test/loss", 0.25))
    assert np.isnan(at_omega(between, "test/accuracy", 0.5))


SHAPE = {"steps": 10, "fine_tune_steps": 3, "sparsities": 2}
OF_PRUNING = pd.DataFrame({"pruning/sparsity": np.repeat([0.0, 0.5, 0.9], [10, 4, 4])}, index=pd.RangeIndex(18))


def test_the_first_row_of_a_sparsity_is_pruned_and_its_last_is_fine_tuned():
    stages = pruning_stages(OF_PRUNING, **SHAPE)
    assert stages.index.tolist() == [10, 14, 13, 17]
    assert stages["stage"].tolist() == ["pruned", "pruned", "fine-tuned", "fine-tuned"]
    assert stages["pruning/sparsity"].tolist() == [0.5, 0.9, 0.5, 0.9]


def test_rows_that_are_not_there_or_have_no_sparsity_are_left_out():
    few = OF_PRUNING.loc[[3, 11, 13, 14]].assign(**{"pruning/sparsity": [0.0, 0.5, np.nan, 0.9]})
    assert pruning_stages(few, **SHAPE)["stage"].to_dict() == {14: "pruned"}
    assert pruning_stages(OF_PRUNING.rename(columns=str.upper), **SHAPE).empty


TWIN = "norm_matched/twin"


def test_the_twin_begins_at_its_first_row_and_counts_its_steps_from_there():
    record = pd.DataFrame(
        {
            "step": [0, 7, 14, 21, 25, 32],
            TWIN: [0.0, None, 0.0, None, 1.0, None],
            "test/accuracy": [0.0, 0.1, 0.2, 0.3, 0.0, 0.5],
        }
    )
    first, twin = trainings(record)
    assert first["step"].tolist() == [0, 7, 14, 21]
    assert twin["step"].tolist() == [0, 7]
    assert twin["test/accuracy"].tolist() == [0.0, 0.5]
    assert record["step"].tolist() == [0, 7, 14, 21, 25, 32]  # as it was


def test_a_record_without_a_twin_is_one_training():
    alone = pd.DataFrame({"step": [0, 5], "test/accuracy": [0.1, 0.2]})
    begun = alone.assign(**{TWIN: [0.0, None]})
    for record in (alone, begun, alone.iloc[:0]):
        (only,) = trainings(record)
        pd.testing.assert_frame_equal(only, record)
