"""What the objective says of the last update is recorded as it was before the next."""

import math

import pytest
import torch

from grok.config import ClassifierProbesConfig, Schedule
from grok.training.loss import cross_entropy
from grok.training.probes import ObjectiveValues, objective_probes
from grok.training.snapshot import Snapshot
from tests.helpers import small_member


def snapshot(values):
    model = small_member().learner.model
    return Snapshot(model=model, samples={}, known={}, criterion=cross_entropy, objective=values)


def test_the_columns_are_the_values_when_they_were_observed_in_double_precision():
    values = {
        "information/term": torch.tensor(0.1),
        "information/left_out": torch.tensor(3),
        "other": torch.tensor(0.0),
    }
    probe = ObjectiveValues(Schedule.parse("every:1"), ["information/term", "information/left_out"])
    first = probe.observe(snapshot(values))
    values["information/term"].fill_(math.nan)
    values["information/left_out"] += 2**24 + 1 - 3
    second = probe.observe(snapshot(values))
    together = {name: torch.stack([first[name], second[name]]) for name in first}
    columns = {name: column.tolist() for name, column in probe.evaluate(together).items()}
    assert columns == {
        "information/term": [pytest.approx(0.1), pytest.approx(math.nan, nan_ok=True)],
        "information/left_out": [3, 2**24 + 1],
    }


@pytest.mark.parametrize(("columns", "accuracy", "made"), [(["a"], "log:5", 1), ([], "every:10", 0), (["a"], "off", 0)])
def test_it_is_there_if_there_are_columns_and_measures_as_often_as_the_loss(columns, accuracy, made):
    probes = objective_probes(ClassifierProbesConfig(accuracy=accuracy), columns)
    assert len(probes) == made
    assert all(probe.schedule == Schedule.parse(accuracy) for probe in probes)
