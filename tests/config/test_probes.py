"""Settings of the measurements."""

import pytest

from grok.config import ConfigError, ProbesConfig


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: ProbesConfig(norms="sometimes"), "probes.norms: expected every:K, log:N or off, .* got sometimes"),
        (lambda: ProbesConfig(sample="every:0"), "probes.sample: expected every:K, log:N or off"),
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
