"""A refusal says what was expected and what came."""

import pytest

from grok.config.checks import ConfigError, require


def test_a_setting_that_cannot_be_is_refused_by_name():
    require(True, "steps", "a number", 3)
    with pytest.raises(ConfigError, match=r"^steps: expected a number, got none$"):
        require(False, "steps", "a number", "none")
