"""Settings of a transformer and of its trainings, and the checks between them."""

import dataclasses

import pytest

from grok.config import (
    ConfigError,
    GrokkingConfig,
    NormMatchedConfig,
    OptimiserConfig,
    ProbesConfig,
    SampledInformationTermConfig,
    TaskConfig,
    TransformerConfig,
)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: TransformerConfig(d_head=0), "model.d_head: expected a positive integer, got 0"),
        (lambda: TransformerConfig(num_layers=0), "model.num_layers: expected an integer from 1 to 4, got 0"),
        (lambda: TransformerConfig(num_layers=5), "model.num_layers: expected an integer from 1 to 4, got 5"),
    ],
)
def test_a_setting_of_the_network_that_cannot_be_is_named_with_what_was_expected(make, message):
    with pytest.raises(ConfigError, match=message):
        make()


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: GrokkingConfig(steps=-1), "steps: expected an integer of at least 0, got -1"),
        (lambda: GrokkingConfig(settle=0), "settle: expected None or an integer of at least 1, got 0"),
        (lambda: GrokkingConfig(task=TaskConfig(modulus=11)), "probes.sample_size: .* smaller split, 36, got 256"),
        (
            lambda: GrokkingConfig(probes=ProbesConfig(accuracy="off")),
            "settle: expected None while probes.accuracy is off, got 2000",
        ),
        (
            lambda: GrokkingConfig(task=TaskConfig(operation="s5-compose", modulus=None)),
            "probes.fourier: expected off, as s5-compose has no frequencies, got log:100",
        ),
    ],
)
def test_a_setting_that_cannot_be_is_named_with_what_was_expected(make, message):
    with pytest.raises(ConfigError, match=message):
        make()


def test_configs_cannot_be_changed():
    with pytest.raises(dataclasses.FrozenInstanceError):
        GrokkingConfig().steps = 3


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (
            {"information": SampledInformationTermConfig()},
            "information.term: expected an information loss, got none",
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
def test_a_setting_of_a_pair_that_cannot_be_is_named_with_what_was_expected(settings, message):
    with pytest.raises(ConfigError, match=f"^{message}$"):
        NormMatchedConfig(**settings)


def test_both_trainings_take_as_many_steps_with_one_between_them():
    assert NormMatchedConfig(steps=7).total_steps == 15
