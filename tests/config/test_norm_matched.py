"""Settings of a training with a term of information and of its twin without."""

import dataclasses

import pytest

from grok.config import (
    ConfigError,
    NormMatchedConfig,
    OptimiserConfig,
    ProbesConfig,
    SampledInformationTermConfig,
    config_from_json,
    config_to_json,
)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (
            {"information": SampledInformationTermConfig()},
            "information.term: expected a term of information, got none",
        ),
        (
            {"optimiser": OptimiserConfig(fixed_norm=True)},
            "optimiser.fixed_norm: expected False, as the twin has the norm of the first training, got True",
        ),
        ({"steps": 0}, "steps: expected a positive integer, got 0"),
        ({"steps": -1}, "steps: expected an integer of at least 0, got -1"),
        (
            {"probes": ProbesConfig(accuracy="off")},
            "probes.accuracy: expected a schedule, to tell when either groks, got off",
        ),
    ],
)
def test_a_setting_that_cannot_be_is_named_with_what_was_expected(settings, message):
    with pytest.raises(ConfigError, match=f"^{message}$"):
        NormMatchedConfig(**settings)


def test_both_trainings_take_as_many_steps_with_one_between_them():
    assert NormMatchedConfig(steps=7).total_steps == 15


def test_json_gives_the_same_config_back():
    term = SampledInformationTermConfig(term="hdr", weight=-0.5, samples=32)
    config = dataclasses.replace(NormMatchedConfig(steps=7), information=term)
    assert config_from_json(NormMatchedConfig, config_to_json(config)) == config
