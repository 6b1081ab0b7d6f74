"""Loss, accuracy and norms follow their definitions; values of objective and phase are recorded unchanged."""

import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from grok.config import ClassifierProbesConfig, Schedule
from grok.training.loss import cross_entropy
from grok.training.probes import ObjectiveValues, PhaseValues, objective_probes
from grok.training.snapshot import Snapshot
from tests.helpers import CPU, small_member, snapshot_of
from tests.training.probes.helpers import features_and_targets

# Accuracy


@pytest.mark.parametrize("split", ["train", "test"])
def test_loss_and_accuracy_follow_their_definitions(learner, measured, split):
    features, targets = features_and_targets(learner, split)
    logits = (features @ learner.model.head.weight.T).detach().double()
    assert measured[f"{split}/accuracy"] == (logits.argmax(dim=1) == targets).double().mean().item()
    surprise = -torch.log(F.softmax(logits, dim=1)[torch.arange(len(targets)), targets])
    assert measured[f"{split}/loss"] == pytest.approx(surprise.mean().item(), rel=1e-5)


# Norms


@pytest.mark.parametrize("split", ["train", "test"])
def test_logit_scale_is_the_rms_of_centred_logits(learner, measured, split):
    features, _ = features_and_targets(learner, split)
    logits = (features @ learner.model.head.weight.T).detach().double().numpy()
    assert measured[f"{split}/logit_scale"] == pytest.approx(np.sqrt(logits.var(axis=1).mean()), rel=1e-5)


def test_the_weight_norm_is_that_of_all_parameters_in_one_vector(learner, measured):
    everything = np.concatenate([parameter.detach().numpy().ravel() for parameter in learner.model.parameters()])
    assert measured["weight_norm"] == pytest.approx(np.linalg.norm(everything.astype(np.float64)), rel=1e-12)


# Values of the objective


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


# Values of the phase


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
