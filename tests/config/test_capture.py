"""What no CUDA graph can capture is known from the settings."""

import dataclasses

import pytest

from grok.config import (
    InformationTermConfig,
    OptimiserConfig,
    SampledInformationTermConfig,
    SemiSupervisedConfig,
    SupervisedConfig,
    fastest_executor,
    not_captured,
)
from tests.helpers import small_config

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
