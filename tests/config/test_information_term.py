"""Settings of a term of information."""

import dataclasses

import pytest

from grok.config import (
    ConfigError,
    GrokkingConfig,
    InformationTermConfig,
    ProbesConfig,
    SampledInformationTermConfig,
    SupervisedConfig,
    TaskConfig,
    config_from_json,
    config_hash,
    config_to_json,
)

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
