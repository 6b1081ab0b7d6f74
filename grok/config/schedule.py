"""When something is measured."""

import dataclasses
from math import log10
from typing import Literal

from grok.config.checks import Settings, require


@dataclasses.dataclass(frozen=True, kw_only=True)
class Schedule(Settings, section="schedule"):
    """At which steps a probe measures. Step 0 is always one of them, unless it is off."""

    kind: Literal["every", "log", "off"]
    """Even spacing, logarithmic spacing, or never."""
    number: int = 0
    """Steps between measurements (`every`), or measurements a decade of steps (`log`)."""

    @classmethod
    def parse(cls, text: str, *, name: str = "schedule") -> "Schedule":
        """Read `every:K`, `log:N` or `off`.

        >>> Schedule.parse("every:10").is_due(20), Schedule.parse("log:2").is_due(20)
        (True, False)
        """
        kind, _, number = text.partition(":")
        if text == "off":
            return cls(kind="off")
        valid = kind in ("every", "log") and number.isdecimal() and int(number) > 0
        require(valid, name, "every:K, log:N or off, with K or N a positive integer", text)
        return cls(kind="every" if kind == "every" else "log", number=int(number))

    def is_due(self, step: int) -> bool:
        """Whether to measure at `step`. `log:N` takes the steps round(10^(i/N)) for i = 0, 1, 2 and so on."""
        if self.kind == "off":
            return False
        if step == 0:
            return True
        if self.kind == "every":
            return step % self.number == 0
        nearest = round(log10(step) * self.number)
        return any(round(10 ** (index / self.number)) == step for index in (nearest - 1, nearest, nearest + 1))

    def most_due(self, steps: int) -> int:
        """The most measurements that so many consecutive steps can have: of log-spaced ones, the first have most.

        >>> [Schedule.parse(text).most_due(50) for text in ("every:10", "log:20", "log:2", "off")]
        [5, 24, 5, 0]
        """
        if self.kind == "every":
            return -(-steps // self.number)
        return sum(self.is_due(step) for step in range(steps))
