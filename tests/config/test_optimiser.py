"""Settings of the training rule: one that the rule does not read is refused."""

import pytest

from grok.config import ConfigError, OptimiserConfig, config_from_json
from grok.config.optimiser import READS


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
            "optimiser.momentum: expected its default, 0.9, with the rule adamw, which has none, got 0.5",
        ),
        (
            lambda: OptimiserConfig(rule="sgd", betas=(0.5, 0.5)),
            "optimiser.betas: .* with the rule sgd, which has none",
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
