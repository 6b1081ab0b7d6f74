"""Settings of an update: one without an effect is rejected, and they tell whether a CUDA graph can capture it."""

import dataclasses

import pytest

from grok.config import (
    ConfigError,
    GrokkingConfig,
    InformationTermConfig,
    OptimiserConfig,
    ProbesConfig,
    SampledInformationTermConfig,
    SemiSupervisedConfig,
    SupervisedConfig,
    TaskConfig,
    config_from_json,
    config_hash,
    config_to_json,
    fastest_executor,
    not_captured,
)
from grok.config.update import READS
from tests.helpers import small_config


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: OptimiserConfig(learning_rate=0.0), "optimiser.learning_rate: expected a positive number, got 0.0"),
        (lambda: OptimiserConfig(learning_rate=float("nan")), "optimiser.learning_rate: .* got nan"),
        (lambda: OptimiserConfig(weight_decay=-1.0), "optimiser.weight_decay: expected a number of at least 0"),
        (lambda: OptimiserConfig(betas=(0.9, 1.0)), r"optimiser.betas: expected two numbers in \[0, 1\)"),
        (lambda: OptimiserConfig(warmup_steps=-1), "optimiser.warmup_steps: expected an integer of at least 0"),
        (
            lambda: OptimiserConfig(rule="sgd", momentum=1.0),
            r"optimiser.momentum: expected a number in \[0, 1\), got 1",
        ),
        (lambda: OptimiserConfig(grokfast=-1.0), "optimiser.grokfast: expected a number of at least 0, got -1"),
        (
            lambda: OptimiserConfig(momentum=0.5),
            "optimiser.momentum: expected its default, 0.9, with the rule adamw, which does not read it, got 0.5",
        ),
        (
            lambda: OptimiserConfig(rule="sgd", betas=(0.5, 0.5)),
            "optimiser.betas: .* with the rule sgd, which does not read it",
        ),
        (lambda: OptimiserConfig(grokfast_decay=0.5), "grokfast_decay: .* with optimiser.grokfast 0, which is off"),
    ],
)
def test_a_setting_that_cannot_be_is_named_with_what_was_expected(make, message):
    with pytest.raises(ConfigError, match=message):
        make()


def test_muon_reads_the_settings_of_both_its_halves():
    config = OptimiserConfig(rule="muon", momentum=0.95, betas=(0.9, 0.99), grokfast=2.0, grokfast_decay=0.9)
    assert (config.momentum, config.betas) == (0.95, (0.9, 0.99))


def test_decay_is_off_by_default_and_read_by_every_rule():
    assert OptimiserConfig().decay == "constant"
    assert {OptimiserConfig(rule=rule, decay="cosine").decay for rule in READS} == {"cosine"}


def test_a_decay_that_there_is_not_is_rejected_from_python_as_from_a_record():
    for make in (OptimiserConfig, lambda **values: config_from_json(OptimiserConfig, values)):
        with pytest.raises(ConfigError, match=r"^optimiser.decay: expected one of constant, .*, got linear$"):
            make(decay="linear")


EITHER = pytest.mark.parametrize("config_type", [InformationTermConfig, SampledInformationTermConfig])


@EITHER
@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"term": "mir"}, "information.weight: expected a number other than 0 with mir, got 0.0"),
        ({"weight": 0.1}, "information.weight: expected 0, or an information.term to weigh, got 0.1"),
        (
            {"term": "hdr", "weight": float("inf")},
            "information.weight: expected a finite number, got inf",
        ),
        (
            {"term": "mutual_information", "weight": float("nan")},
            "information.weight: expected a finite number, got nan",
        ),
    ],
)
def test_a_term_goes_with_a_weight_and_a_weight_with_a_term(config_type, settings, message):
    with pytest.raises(ConfigError, match=f"^{message}$"):
        config_type(**settings)


@EITHER
def test_there_is_none_unless_it_is_named_and_its_weight_may_be_negative(config_type):
    assert not config_type().is_on
    assert config_type(term="entropy_difference", weight=-0.5).is_on


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (
            {"term": "mir", "weight": 1.0, "samples": 1},
            "information.samples: expected an integer of at least 2, got 1",
        ),
        ({"samples": 64}, "information.samples: expected its default, 128, without information.term, got 64"),
    ],
)
def test_samples_are_at_least_two_and_those_of_a_term(settings, message):
    with pytest.raises(ConfigError, match=f"^{message}$"):
        SampledInformationTermConfig(**settings)


def test_a_term_is_of_no_more_samples_than_train():
    task, probes = TaskConfig(modulus=11, train_fraction=0.5), ProbesConfig(sample_size=32)
    term = SampledInformationTermConfig(term="mir", weight=1.0, samples=61)
    message = r"^information.samples: expected at most the 60 training samples, got 61$"
    with pytest.raises(ConfigError, match=message):
        GrokkingConfig(task=task, probes=probes, information=term)
    GrokkingConfig(task=task, probes=probes)  # 128 of the 60, if there were a term


def test_json_gives_the_same_config_back_and_its_absence_leaves_the_hash():
    config = SupervisedConfig(information=InformationTermConfig(term="hdr", weight=-0.1))
    assert config_from_json(SupervisedConfig, config_to_json(config)) == config
    assert config_hash(config) != config_hash(SupervisedConfig())
    values = config_to_json(SupervisedConfig())
    del values["information"]  # as a run has it that is older than terms
    assert config_hash(config_from_json(SupervisedConfig, values)) == config_hash(SupervisedConfig())
    values["information"] = {"term": "mri"}
    choices = "none, mutual_information, entropy_difference, mir, hdr"
    message = rf"^information.term: expected one of {choices}, got mri; did you mean 'mir'\?$"
    with pytest.raises(ConfigError, match=message):
        config_from_json(SupervisedConfig, values)


def test_terms_of_other_weights_are_other_configs():
    first = GrokkingConfig(information=SampledInformationTermConfig(term="mir", weight=0.1))
    other = dataclasses.replace(first, information=dataclasses.replace(first.information, weight=0.2))
    assert config_hash(first) != config_hash(other)


MUON = OptimiserConfig(rule="muon")


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        (small_config(), None),
        (SupervisedConfig(), None),
        (SemiSupervisedConfig(), None),
        (small_config(optimiser=MUON), "the rule muon, whose update"),
        (
            dataclasses.replace(
                small_config(), information=SampledInformationTermConfig(term="mir", weight=-0.1, samples=32)
            ),
            "the term mir, whose eigenvalues",
        ),
        (
            SemiSupervisedConfig(information=InformationTermConfig(term="mutual_information", weight=0.1)),
            "the term mutual_information, whose eigenvalues",
        ),
    ],
)
def test_the_setting_that_the_host_waits_for_is_named(config, expected):
    assert not_captured(config) == expected


def test_steps_are_captured_on_a_gpu_if_all_of_them_can_be():
    assert fastest_executor("cuda", [small_config(), SupervisedConfig()]) == "graph"
    assert fastest_executor("cuda", [small_config(), small_config(optimiser=MUON)]) == "eager"
    assert fastest_executor("cpu", [small_config()]) == "eager"
