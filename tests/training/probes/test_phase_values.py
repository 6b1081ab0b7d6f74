"""A phase's values are in the record as they are."""

import torch

from grok.config import Schedule
from grok.training.probes import PhaseValues
from tests.helpers import CPU, small_member, snapshot_of


def test_what_is_shown_last_is_observed_in_float64():
    probe = PhaseValues(Schedule.parse("every:1"), ["a", "b"], CPU)
    snapshot = snapshot_of(small_member().learner)
    observed = []
    for shown in ({"a": 0.1, "b": 1.0}, {"b": 2.0, "a": 0.2}):
        probe.show(shown)
        observed.append(probe.observe(snapshot)["values"])
    values = probe.evaluate({"values": torch.stack(observed)})
    assert {name: column.tolist() for name, column in values.items()} == {"a": [0.1, 0.2], "b": [1.0, 2.0]}
