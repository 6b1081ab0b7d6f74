"""How the steps of an experiment can be carried out: what they do that no CUDA graph can capture."""

from collections.abc import Iterable
from typing import Any, Literal

ExecutorName = Literal["eager", "graph"]


def not_captured(config: Any) -> str | None:
    """A setting of an experiment for which the host waits amid a step, as a clause before "no graph can capture".

    torch's Muon reads its learning rate on the host, and torch looks there whether it has found all eigenvalues.

    >>> from grok.config import GrokkingConfig, OptimiserConfig
    >>> not_captured(GrokkingConfig(optimiser=OptimiserConfig(rule="muon"))), not_captured(GrokkingConfig())
    ('the rule muon, whose update', None)
    """
    if not config.optimiser.can_be_captured:
        return f"the rule {config.optimiser.rule}, whose update"
    if config.information.is_on:
        return f"the term {config.information.term}, whose eigenvalues"
    return None


def fastest_executor(device_type: str, configs: Iterable[Any]) -> ExecutorName:
    """The executor that is fastest for steps of these configs on such a device, and can carry them out.

    >>> from grok.config import GrokkingConfig
    >>> fastest_executor("cuda", [GrokkingConfig()]), fastest_executor("cpu", [GrokkingConfig()])
    ('graph', 'eager')
    """
    return "graph" if device_type == "cuda" and not any(map(not_captured, configs)) else "eager"
