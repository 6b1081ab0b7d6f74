"""Settings of the measurements: which probes measure, and at which steps."""

import dataclasses
from math import log10
from typing import Any, Literal, TypeVar

from grok.config.checks import Settings, require


@dataclasses.dataclass(frozen=True, kw_only=True)
class Schedule(Settings, section="schedule"):
    """The steps at which a probe measures. Step 0 is always one of them, unless the probe is off."""

    kind: Literal["every", "log", "off"]
    """Even spacing, logarithmic spacing, or never."""
    number: int = 0
    """Steps between measurements (`every`), or measurements per decade of steps (`log`)."""

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
        """Return whether to measure at `step`.

        `log:N` selects the steps round(10^(i/N)) for i = 0, 1, 2 and so on. Up to about N/2 these are all steps; later
        ones are a factor of 10^(1/N) apart. The steps of `log:N` are among those of `log:kN`, so that probes with such
        schedules share their passes over the data.
        """
        if self.kind == "off":
            return False
        if step == 0:
            return True
        if self.kind == "every":
            return step % self.number == 0
        nearest = round(log10(step) * self.number)
        return any(round(10 ** (index / self.number)) == step for index in (nearest - 1, nearest, nearest + 1))

    def most_due(self, steps: int) -> int:
        """Return the maximum number of measurements in `steps` consecutive steps.

        Log-spaced measurements are densest at the start.

        >>> [Schedule.parse(text).most_due(50) for text in ("every:10", "log:20", "log:2", "off")]
        [5, 24, 5, 0]
        """
        if self.kind == "every":
            return -(-steps // self.number)
        return sum(self.is_due(step) for step in range(steps))


ConfigType = TypeVar("ConfigType", bound="ClassifierProbesConfig")


def scheduled(default: str, *, before: str) -> Any:
    """Return the field of a schedule whose default was another one `before`, for which config hashes still stand."""
    return dataclasses.field(default=default, metadata={"before": before})


@dataclasses.dataclass(frozen=True, kw_only=True)
class ClassifierProbesConfig(Settings, section="probes"):
    """The schedules of the probes of any classifier: `every:K` steps, `log:N` (log-spaced, N per decade), or `off`.

    The defaults measure where the curves move: at every step at first, and then a constant number of times per decade
    of steps. This number is 100, or 50 if a measurement is expensive. In the 9,244 steps of a `paper` run these are 277
    and 154 measurements. The schedules are nested, so that a sparser probe shares the passes of a denser one.
    """

    accuracy: str = scheduled("log:100", before="every:10")
    """Loss and accuracy on the train and test splits."""
    prototype: str = scheduled("log:100", before="every:10")
    """MIR and HDR of the head rows with the centred class means, on both splits."""
    sample: str = scheduled("log:100", before="every:10")
    """MIR and HDR of sample features with the head rows of their labels, on both splits."""
    sample_size: int = 256
    """Number of samples in the `sample` pairing, a fixed seeded subset of each split."""
    sample_sizes: str = "off"
    """MIR and HDR of the `sample` pairing on n = 64, 128, 256 and so on test samples, up to all of them."""
    norms: str = scheduled("log:100", before="every:10")
    """Weight norm and logit scale."""
    collapse: str = scheduled("log:50", before="every:50")
    """Neural collapse, NC1 to NC4, on both splits."""
    rank: str = scheduled("log:50", before="every:50")
    """Effective ranks and spectral entropies."""

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in self.names():
            self.schedule(name)
        self.require("sample_size", self.sample_size >= 2, "an integer of at least 2")

    @classmethod
    def names(cls) -> list[str]:
        """Return the names of the probes that these settings schedule."""
        return [field.name for field in dataclasses.fields(cls) if field.type is str]

    @classmethod
    def only(cls: type[ConfigType], **schedules: str) -> ConfigType:
        """Return settings that schedule these probes and switch all others off.

        >>> measured = ProbesConfig.only(accuracy="every:10")
        >>> measured.accuracy, measured.sample
        ('every:10', 'off')
        """
        settings: dict[str, Any] = dict.fromkeys(cls.names(), "off") | schedules
        return cls(**settings)

    def schedule(self, name: str) -> Schedule:
        """Return the schedule of a probe."""
        return Schedule.parse(getattr(self, name), name=f"{self._prefix}{name}")


@dataclasses.dataclass(frozen=True, kw_only=True)
class ProbesConfig(ClassifierProbesConfig):
    """The schedules of the probes of a network that also embeds its classes as tokens."""

    embedding: str = "every:1"
    """MIR and HDR of the token embeddings with the unembedding, token by token."""
    fourier: str = scheduled("log:100", before="every:10")
    """Fourier structure of embedding, unembedding and class means; the MIR and HDR that theory derives from it; and the
    restricted and excluded training loss."""
    neurons: str = scheduled("log:50", before="every:50")
    """Fourier structure of the neurons of the MLP."""
    spectrum: str = "off"
    """Fraction of the Fourier power on every frequency."""
    swapped: str = "off"
    """Accuracy on the test pairs (a, b) whose swap (b, a) is a training pair, and on the other test pairs."""
