"""Observations are evaluated for each member up to its end; later ones are never evaluated."""

import numpy as np
import pytest
import torch

from grok.config import Schedule
from grok.training.measurements import Measured, Measurements, evaluate
from grok.training.probes import Probe
from grok.training.ring import Block


class Square(Probe):
    """A probe that rejects numbers that are not finite, as an eigenvalue solver does."""

    name = "square"

    def observe(self, snapshot):
        raise AssertionError("nothing is observed here")

    def evaluate(self, observed):
        assert observed["x"].isfinite().all()
        return {"square": observed["x"] ** 2, "half": observed["x"] / 2}


PROBES = {"square": Square(Schedule.parse("every:1"))}


def block_of(steps, values):
    return Block({"square": steps}, {"square": {"x": torch.tensor(values)}})


def test_each_member_gets_its_rows():
    values = [[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]
    first, second = evaluate(block_of([0, 10, 20], values), PROBES, np.array([21, 21]))
    assert first.rows() == [
        (0, {"square": 1.0, "half": 0.5}),
        (10, {"square": 9.0, "half": 1.5}),
        (20, {"square": 25.0, "half": 2.5}),
    ]
    assert second.column("square") == [(0, 4.0), (10, 16.0), (20, 36.0)]


def test_nothing_is_evaluated_from_the_step_at_which_a_member_ends():
    values = [[1.0, 2.0], [3.0, torch.nan], [5.0, torch.nan]]
    first, second = evaluate(block_of([0, 10, 20], values), PROBES, np.array([21, 10]))
    assert first.column("half") == [(0, 0.5), (10, 1.5), (20, 2.5)]
    assert second.column("half") == [(0, 1.0)]
    (nothing,) = evaluate(block_of([0], [[torch.nan]]), PROBES, np.array([0]))
    assert nothing.rows() == []
    assert nothing.num_rows == 0


def test_rows_join_the_probes_by_step_and_latest_has_the_newest_of_each():
    measurements = Measurements(
        {
            "often": Measured(np.array([0, 1, 2]), {"loss": np.array([3.0, 2.0, 1.0])}),
            "seldom": Measured(np.array([0, 2]), {"mir": np.array([0.5, 0.75])}),
        }
    )
    assert measurements.rows() == [(0, {"loss": 3.0, "mir": 0.5}), (1, {"loss": 2.0}), (2, {"loss": 1.0, "mir": 0.75})]
    assert measurements.latest() == {"loss": 1.0, "mir": 0.75}
    assert measurements.num_rows == 3
    assert measurements.column("mir") == [(0, 0.5), (2, 0.75)]
    assert measurements.column("missing") == []


@pytest.mark.parametrize(
    "device",
    ["cpu", pytest.param("cuda", marks=pytest.mark.gpu)],
)
def test_more_observations_than_are_evaluated_at_once_stay_in_order(device):
    values = torch.arange(200.0, device=device)[:, None]
    block = Block({"square": list(range(200))}, {"square": {"x": values}})
    (measurements,) = evaluate(block, PROBES, np.array([200]))
    assert measurements.column("half") == [(step, step / 2) for step in range(200)]
