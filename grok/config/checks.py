"""How a setting that cannot be is refused."""


class ConfigError(Exception):
    """A setting that cannot be: the message names it, what was expected, what came, and the mend."""


def require(condition: bool, name: str, expected: str, got: object) -> None:
    """Raise `ConfigError` unless the condition holds.

    >>> require(False, "task.modulus", "a prime", 6)
    Traceback (most recent call last):
    grok.config.checks.ConfigError: task.modulus: expected a prime, got 6
    """
    if not condition:
        raise ConfigError(f"{name}: expected {expected}, got {got}")
