"""Settings are read and changed by their dotted names."""

import pytest

from grok.config import ConfigError, GrokkingConfig, TaskConfig, dotted, with_settings


def test_a_setting_is_changed_by_its_name_and_checked():
    changed = with_settings(GrokkingConfig(), {"task.modulus": 31, "optimiser.betas": [0.9, 0.99], "settle": None})
    assert changed.task == TaskConfig(modulus=31)
    assert (changed.optimiser.betas, changed.settle) == ((0.9, 0.99), None)
    assert with_settings(changed, {}) == changed


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"task.modulos": 31}, r"task\.modulos: no such setting; did you mean 'task.modulus'"),
        ({"task": 31}, r"task: no such setting"),
        ({"task.modulus.x": 31}, r"task\.modulus\.x: no such setting"),
        ({"task.modulus": "many"}, r"task\.modulus: expected an integer or None, got 'many'"),
        ({"task.operation": "divide", "task.modulus": 15}, r"task\.modulus: expected a prime for divide, got 15"),
    ],
)
def test_a_name_or_value_that_does_not_exist_is_refused(changes, message):
    with pytest.raises(ConfigError, match=message):
        with_settings(GrokkingConfig(), changes)


def test_every_setting_has_its_dotted_name():
    names = dotted({"task": {"modulus": 113, "pair": {"a": 1}}, "steps": 5})
    assert names == {"task.modulus": 113, "task.pair.a": 1, "steps": 5}
