"""Settings of the measurements."""

import pytest

from grok.config import ClassifierProbesConfig, ConfigError, ProbesConfig


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: ProbesConfig(norms="sometimes"), "probes.norms: expected every:K, log:N or off, .* got sometimes"),
        (lambda: ProbesConfig(sample="every:0"), "probes.sample: expected every:K, log:N or off"),
        (lambda: ProbesConfig(rank=50), "^probes.rank: expected a text, got 50$"),
        (lambda: ProbesConfig(sample_size=1), "probes.sample_size: expected an integer of at least 2, got 1"),
    ],
)
def test_a_setting_that_cannot_be_is_named_with_what_was_expected(make, message):
    with pytest.raises(ConfigError, match=message):
        make()


def test_every_probe_has_a_schedule():
    assert "accuracy" in ProbesConfig.names()
    assert "sample_size" not in ProbesConfig.names()
    assert all(ProbesConfig().schedule(name).kind in ("every", "log", "off") for name in ProbesConfig.names())


def test_any_classifier_has_the_probes_that_need_no_embedding_with_the_same_defaults():
    names = ClassifierProbesConfig.names()
    assert set(ProbesConfig.names()) - set(names) == {"embedding", "fourier", "neurons", "spectrum", "swapped"}
    of_tokens = ProbesConfig()
    assert {name: getattr(ClassifierProbesConfig(), name) for name in names} == {
        name: getattr(of_tokens, name) for name in names
    }


def test_only_those_that_are_named_are_on():
    measured = ClassifierProbesConfig.only(norms="log:5")
    assert type(measured) is ClassifierProbesConfig
    assert [name for name in measured.names() if measured.schedule(name).kind != "off"] == ["norms"]
