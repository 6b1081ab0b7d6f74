"""The values of a phase are the columns of its steps."""

import pytest
import torch

from grok.config import Schedule
from grok.training.probes import PhaseValues
from tests.helpers import CPU, snapshot_of


def test_the_columns_are_what_is_shown_in_double_precision(learner):
    probe = PhaseValues(Schedule.parse("every:1"), ["a/first", "a/second"], CPU)
    snapshot, found = snapshot_of(learner), []
    for first, second in ((0.1, 0.0), (1 / 3, 1.0)):
        probe.show({"a/second": second, "a/first": first})
        found.append(probe.observe(snapshot))
    together = {"values": torch.stack([observed["values"] for observed in found])}
    columns = {name: values.tolist() for name, values in probe.evaluate(together).items()}
    assert columns == {"a/first": [0.1, 1 / 3], "a/second": [0.0, 1.0]}


def test_a_phase_without_a_value_for_a_column_is_an_error():
    probe = PhaseValues(Schedule.parse("every:1"), ["a"], CPU)
    with pytest.raises(KeyError, match="a"):
        probe.show({"b": 1.0})
