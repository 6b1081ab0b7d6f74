"""Settings of a run, and what its parts ask of each other."""

import dataclasses

import pytest

from grok.config import (
    ConfigError,
    GrokkingConfig,
    ProbesConfig,
    TaskConfig,
)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: GrokkingConfig(steps=-1), "steps: expected an integer of at least 0, got -1"),
        (lambda: GrokkingConfig(settle=0), "settle: expected None or an integer of at least 1, got 0"),
        (lambda: GrokkingConfig(task=TaskConfig(modulus=11)), "probes.sample_size: .* smaller split, 36, got 256"),
        (lambda: GrokkingConfig(probes=ProbesConfig(accuracy="off")), "settle: needs test accuracy"),
        (
            lambda: GrokkingConfig(task=TaskConfig(operation="s5-compose", modulus=None)),
            "probes.fourier: expected off, as s5-compose has no frequencies, got every:10",
        ),
    ],
)
def test_a_setting_that_cannot_be_is_named_with_what_was_expected(make, message):
    with pytest.raises(ConfigError, match=message):
        make()


def test_configs_cannot_be_changed():
    with pytest.raises(dataclasses.FrozenInstanceError):
        GrokkingConfig().steps = 3
