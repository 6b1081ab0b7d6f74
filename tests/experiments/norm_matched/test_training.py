"""A network trains with an information loss; its twin starts equally, without that loss, and has the same norm."""

import dataclasses

import numpy as np
import pandas as pd
import pytest
import torch

from grok.columns import TWIN
from grok.config import (
    GrokkingConfig,
    NormMatchedConfig,
    OptimiserConfig,
    SampledInformationTermConfig,
    TransformerTrainingConfig,
)
from grok.experiment import experiment
from grok.experiments import norm_matched
from grok.training.probes.scalars import Accuracy
from tests.experiments.helpers import start
from tests.experiments.images import assert_resumes_bit_for_bit, build
from tests.helpers import CPU, small_config
from tests.tolerances import entropy_rounding, rounding
from tests.training.test_stack import PAIRS, rows_of

alike = experiment("norm-matched").alike

STEPS = 60  # no multiple of the 7 steps between measurements
TERM = SampledInformationTermConfig(term="mutual_information", weight=1.0, samples=16)
OPTIMISER = OptimiserConfig(learning_rate=3e-3, weight_decay=0.5, betas=(0.8, 0.95), warmup_steps=4)


def make_config(config_type=NormMatchedConfig, **settings):
    small = small_config(steps=STEPS, optimiser=OPTIMISER, accuracy="every:7", norms="every:1", neurons="every:7")
    shared = {field.name: getattr(small, field.name) for field in dataclasses.fields(TransformerTrainingConfig)}
    return config_type(**shared | {"information": TERM} | settings)


def run_of(tmp_path_factory, config, experiment):
    run, finished = start(tmp_path_factory.mktemp("run"), config, experiment=experiment)
    assert finished
    return run


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return run_of(tmp_path_factory, make_config(), experiment("norm-matched"))


@pytest.fixture(scope="module")
def halves(run):
    """The records of both trainings, each in its own steps."""
    metrics = run.metrics()
    first, twin = metrics[metrics["step"] <= STEPS], metrics[metrics["step"] > STEPS]
    return first.set_index("step"), twin.set_index(twin["step"] - STEPS - 1).drop(columns="step")


def test_the_first_training_is_that_of_the_grokking_experiment_with_the_same_term(tmp_path_factory, halves):
    alone = run_of(tmp_path_factory, make_config(GrokkingConfig, settle=None), experiment("grokking")).metrics()
    pd.testing.assert_frame_equal(halves[0].drop(columns=TWIN), alone.set_index("step"), check_exact=True)


def test_the_twin_begins_with_the_same_network_measured_alike(halves):
    first, twin = halves
    begin = first.loc[0].drop(TWIN)
    pd.testing.assert_series_equal(twin.loc[0].drop(TWIN), begin, check_exact=True)
    assert begin.notna().sum() == len(begin) - 1  # all but the term, which no update has measured yet
    assert np.isnan(begin["information/term"])


def test_every_measure_is_taken_at_the_same_steps_of_both(halves):
    first, twin = halves
    pd.testing.assert_frame_equal(twin.notna(), first.notna())
    for half, which in ((first, 0.0), (twin, 1.0)):
        assert half[TWIN].dropna().to_dict() == dict.fromkeys([*range(0, STEPS, 7), STEPS], which)
        assert half.loc[STEPS].notna().all()  # the last network, in full


def test_the_twin_has_the_weight_norm_of_the_first_after_every_update(halves):
    first, twin = (half["weight_norm"] for half in halves)
    weights = sum(parameter.numel() for parameter in build("norm-matched", make_config()).learner.parameters())
    np.testing.assert_allclose(twin, first, rtol=rounding(torch.float32, weights))  # the norm sums their squares
    assert abs(first.loc[STEPS] / first.loc[0] - 1) > 0.02


def test_the_twin_is_training_without_the_term_scaled_to_the_norm_of_the_first(halves):
    first, twin = halves
    plain = make_config(GrokkingConfig, settle=None, information=SampledInformationTermConfig())
    learner = experiment("grokking").build(plain, 0, CPU).learner
    parameters = list(learner.model.parameters())
    optimiser = torch.optim.AdamW(parameters, betas=(0.8, 0.95), weight_decay=0.5)
    losses = {}
    for step in range(STEPS):
        loss, _ = learner(())
        losses[step] = loss.item()
        optimiser.zero_grad()
        loss.backward()
        optimiser.param_groups[0]["lr"] = 3e-3 * min(1.0, (step + 1) / 4)
        optimiser.step()
        norm = torch.cat([parameter.detach().flatten() for parameter in parameters]).norm().item()
        with torch.no_grad():
            for parameter in parameters:
                parameter.mul_(first.loc[step + 1, "weight_norm"] / norm)
    losses[STEPS] = learner(())[0].item()
    measured = twin["train/loss"].dropna()
    assert measured.to_dict() == pytest.approx({step: losses[step] for step in measured.index}, rel=1e-4)
    with_term = first["train/loss"].dropna()
    assert abs(with_term[56] / measured[56] - 1) > 0.01


def test_the_term_is_measured_on_in_the_twin_without_being_raised(halves):
    first, twin = (half["information/term"].dropna() for half in halves)
    assert list(first.index) == list(twin.index) == [*range(7, STEPS, 7), STEPS]
    assert first[56] < twin[56] - 0.1  # what is optimised is minus the information


@pytest.mark.parametrize("step", [0, 13, 50, STEPS - 1, STEPS, STEPS + 1, STEPS + 2, STEPS + 50, 2 * STEPS])
def test_a_run_interrupted_in_either_training_resumes_to_the_same_record_and_networks(tmp_path, monkeypatch, run, step):
    assert_resumes_bit_for_bit(tmp_path, monkeypatch, experiment("norm-matched"), make_config(), run, step)


def test_members_of_a_stack_measure_what_they_would_alone(tmp_path):
    def members(which):
        rules = [OPTIMISER, OptimiserConfig(rule="adam", weight_decay=1e-3, grokfast=1.0)]
        configs = {seed: make_config(steps=20, optimiser=rules[seed]) for seed in which}
        assert len({alike(config) for config in configs.values()}) == 1
        return [build("norm-matched", config, seed) for seed, config in configs.items()]

    stacked = rows_of(members([0, 1]), tmp_path, steps=99)
    for index in range(2):
        (alone,) = rows_of(members([index]), tmp_path, steps=99)
        assert [step for step, _ in stacked[index]] == [step for step, _ in alone] == list(range(42))
        for (_, row), (_, expected) in zip(stacked[index], alone, strict=True):
            assert row.keys() == expected.keys()
            for name in row.keys() & {"train/loss", "weight_norm", TWIN}:
                assert row[name] == pytest.approx(expected[name], rel=rounding(torch.float32, PAIRS, steps=42)), name
            error = 3 * entropy_rounding(torch.float32, TERM.samples)  # mutual information is made of three entropies
            term, expected_term = (each.get("information/term", 0.0) for each in (row, expected))
            assert term == pytest.approx(expected_term, abs=error, nan_ok=True)


@pytest.mark.parametrize(
    "other", [{"steps": 30}, {"information": dataclasses.replace(TERM, weight=0.5)}, {"loss": "stablemax"}]
)
def test_what_differs_in_more_than_the_optimiser_shares_no_stack(other):
    assert alike(make_config(**other)) != alike(make_config())


def test_the_summary_has_the_events_and_the_end_of_each_training_in_its_own_steps(tmp_path, monkeypatch):
    groks_at = {0: 28, 1: 14}
    rows = iter([(which, step) for which in groks_at for step in [*range(0, STEPS, 7), STEPS]])

    def scripted(self, observed):
        which, step = next(rows)
        accuracy = torch.full_like(observed["test/accuracy"], 1.0 if step >= groks_at[which] else 0.6)
        return observed | {"test/accuracy": accuracy}

    monkeypatch.setattr(Accuracy, "evaluate", scripted)
    run, _ = start(tmp_path, make_config(), experiment=experiment("norm-matched"))
    assert next(rows, None) is None
    summary = run.manifest()["summary"]
    metrics = run.metrics()
    for (training, grokked), step in zip(((summary, 28), (summary["twin"], 14)), (STEPS, 2 * STEPS + 1), strict=True):
        found, last = training["events"], training["last"]
        assert found["grokked"] == found["test_accuracy_0.99"] == grokked
        assert found["test_accuracy_0.50"] == 0
        assert found["sample/test"]["mir_max"]["step"] <= STEPS
        (row,) = metrics[metrics["step"] == step].to_dict("records")
        assert last == {**row, "step": STEPS}


def test_the_presets_are_those_of_grokking_with_the_term_of_the_settings():
    for name, preset in experiment("norm-matched").presets.items():
        config, plain = preset(), experiment("grokking").presets[name]()
        changed = {"information": NormMatchedConfig().information, "steps": config.steps}
        for field in dataclasses.fields(config):
            assert getattr(config, field.name) == changed.get(field.name, getattr(plain, field.name)), field.name
    assert (norm_matched.small().steps, norm_matched.paper().steps) == (10_000, 12_000)
    assert (config.information.term, config.information.weight) == ("mutual_information", 0.01)
