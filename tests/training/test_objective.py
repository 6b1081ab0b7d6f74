"""The gradient of an objective agrees with finite differences through the whole network."""

import copy
from functools import partial

import pytest
import torch
import torch.nn.functional as F

from grok.config import ImageModelConfig, InformationTermConfig, SampledInformationTermConfig
from grok.experiment import experiment
from grok.information import information_loss
from grok.training.loss import cross_entropy
from grok.training.semi_supervised import AdaptiveThresholds
from tests.experiments.helpers import start
from tests.experiments.images import (
    DIGITS,
    SIGNALS,
    assert_resumes_bit_for_bit,
    build,
    only,
    semi_supervised_config,
    supervised_config,
    train,
)
from tests.helpers import CPU, small_config, small_model
from tests.tolerances import entropy_rounding
from tests.training.test_stack import rows_of

KINDS = ["mutual_information", "entropy_difference", "mir", "hdr"]
DOUBLE = partial(cross_entropy, dtype=torch.float64)
SIZE = 1e-6  # of the moves of central differences


def transformer(kind, weight, **model):
    """A network and its loss as a function of its parameters, with an information loss on 20 training samples."""
    information = SampledInformationTermConfig(term=kind, weight=weight, samples=20)
    config = small_config(model=small_model(**model), information=information)
    learner = experiment("grokking").build(config, 0, CPU).learner.double()

    def loss():
        learner.objective.term.prepare(4, 1, order=0)
        return learner(())[0]

    return learner.model, loss, learner.objective.term


def on_batches(name, config, thresholds=None):
    """A network and its loss as a function of its parameters, on the batches of step 4."""
    learner = build(name, config).learner
    objective = learner.objective
    objective.criterion = partial(DOUBLE, label_smoothing=config.label_smoothing)
    if thresholds:
        objective.thresholds = thresholds
    learner.double().train()

    def loss():
        objective.prepare(4, 1, order=0)
        return objective(learner.model.features, learner.model.head)

    return learner.model, loss, objective


def free_match(kind, weight):
    """The thresholds are constants here, since their averages are not part of the gradient."""
    config = semi_supervised_config(information=InformationTermConfig(term=kind, weight=weight), fairness_weight=0.5)
    thresholds = AdaptiveThresholds(10, 1.0, CPU)
    thresholds.confidence.fill_(0.19)
    thresholds.predicted.copy_(torch.linspace(0.09, 0.11, 10))
    thresholds.histogram.copy_(torch.linspace(0.15, 0.05, 10))
    model, loss, objective = on_batches("semi-supervised", config, thresholds)
    loss()
    assert 0.2 < objective.values()["pseudo_labels/used"] < 0.8
    return model, loss, objective


def standard(kind, weight, setting, **settings):
    information = InformationTermConfig(term=kind, weight=weight)
    return on_batches("supervised", supervised_config(setting, information=information, **settings))


PROBLEMS = {
    "transformer": transformer,
    "deep transformer": partial(transformer, num_layers=2, layer_norm=True, tie_embeddings=True),
    "conv1d": partial(standard, setting=SIGNALS, label_smoothing=0.1),
    "mlp": partial(standard, setting=DIGITS),
    "FreeMatch": free_match,
}


@pytest.mark.parametrize("problem", PROBLEMS)
@pytest.mark.parametrize("weight", [0.7, -0.4])
@pytest.mark.parametrize("kind", KINDS)
def test_the_gradient_of_the_whole_loss_is_that_of_central_differences(problem, weight, kind):
    model, loss, source = PROBLEMS[problem](kind, weight)
    parameters = list(model.parameters())
    value = loss()
    assert value.dtype == torch.float64
    assert abs(source.values()["information/term"]) > 1e-3
    gradients = torch.autograd.grad(value, parameters)
    generator = torch.Generator().manual_seed(0)
    error = 3 * entropy_rounding(torch.float64, 96) / SIZE  # of three entropies of at most 96 samples
    for _ in range(3):
        direction = [torch.randn(each.shape, generator=generator, dtype=each.dtype) for each in parameters]
        slope = sum((a * b).sum() for a, b in zip(gradients, direction, strict=True))
        assert _slope(loss, parameters, direction) == pytest.approx(slope.item(), rel=1e-7, abs=error)


@torch.no_grad()
def _slope(loss, parameters, direction):
    values = []
    for move in (SIZE, -2 * SIZE, SIZE):
        for parameter, along in zip(parameters, direction, strict=True):
            parameter.add_(along, alpha=move)
        values.append(loss().item())
    return (values[0] - values[1]) / (2 * SIZE)


@pytest.mark.parametrize("setting", [DIGITS, SIGNALS], ids=["mlp", "conv1d"])
@pytest.mark.parametrize("kind", KINDS)
def test_the_loss_of_a_batch_is_the_criterion_and_the_weighted_term_of_all_its_samples(setting, kind):
    information = InformationTermConfig(term=kind, weight=-0.3)
    learner = build("supervised", supervised_config(setting, information=information, label_smoothing=0.1)).learner
    learner.objective.prepare(5, 2, order=0)
    model = copy.deepcopy(learner.model).train()
    for step in (5, 6):
        inputs, targets = learner.objective.batches.batch(step, order=0)
        features = model.features(inputs)
        expected = F.cross_entropy(model.head(features), targets, label_smoothing=0.1)
        expected = expected - 0.3 * information_loss(features, model.head.weight, targets, kind=kind)
        loss, _ = learner(())
        assert loss.item() == pytest.approx(expected.item(), rel=1e-5)


def test_without_a_term_there_is_nothing_to_record_or_to_keep():
    objective = build("supervised", supervised_config()).learner.objective
    assert (objective.values(), objective.state()) == ({}, {})


NARROW = DIGITS | {"model": ImageModelConfig(network="mlp", depth=1, width=2)}
"""A network in which both neurons are off for some samples."""


@pytest.mark.parametrize("setting", [NARROW, SIGNALS], ids=["mlp", "conv1d"])
def test_a_run_with_a_term_resumes_to_the_same_record_and_count(tmp_path, monkeypatch, setting):
    information = InformationTermConfig(term="mir", weight=0.5)
    config = supervised_config(setting, steps=20, information=information, probes=only(accuracy="every:1"))
    whole, _ = start(tmp_path / "whole", config, experiment=experiment("supervised"))
    assert whole.metrics()["information/term"].notna().sum() == 20
    left_out = whole.metrics()["information/left_out"]
    assert (left_out.diff()[1:] >= 0).all()
    assert (left_out[13] > 0) == (setting is NARROW)
    assert_resumes_bit_for_bit(tmp_path / "halves", monkeypatch, experiment("supervised"), config, whole, 13)


def test_a_run_with_a_term_measures_in_a_stack_what_it_does_alone(tmp_path):
    information = InformationTermConfig(term="hdr", weight=0.5)
    config = supervised_config(DIGITS, steps=12, information=information, probes=only(accuracy="every:1"))
    stacked = rows_of([build("supervised", config, seed=seed) for seed in (0, 1)], tmp_path, steps=12)
    for seed in (0, 1):
        (alone,) = rows_of([build("supervised", config, seed=seed)], tmp_path, steps=12)
        for (_, row), (_, expected) in zip(stacked[seed], alone, strict=True):
            assert row == pytest.approx(expected, rel=1e-3, abs=1e-5, nan_ok=True)


def test_a_tiny_weight_trains_as_none_does(tmp_path):
    losses = []
    for information in (
        InformationTermConfig(),
        InformationTermConfig(term="mutual_information", weight=1e-9),
        InformationTermConfig(term="mutual_information", weight=10.0),
    ):
        config = supervised_config(SIGNALS, steps=20, information=information, probes=only(accuracy="every:1"))
        rows = train(tmp_path, build("supervised", config))
        assert ("information/term" in rows[1]) == information.is_on
        losses.append([row["train/loss"] for row in rows.values()])
    assert losses[1] == pytest.approx(losses[0], rel=1e-4)
    assert losses[2][-1] != pytest.approx(losses[0][-1], rel=1e-2)
