"""Settings of the measurements."""

import dataclasses
from typing import Any, TypeVar

from grok.config.checks import Settings
from grok.config.schedule import Schedule

ConfigType = TypeVar("ConfigType", bound="ClassifierProbesConfig")


@dataclasses.dataclass(frozen=True, kw_only=True)
class ClassifierProbesConfig(Settings, section="probes"):
    """What is measured when on any classifier: `every:K` steps, `log:N` (N log-spaced steps a decade), or `off`."""

    accuracy: str = "every:10"
    """Loss and accuracy on train and test."""
    prototype: str = "every:10"
    """Interplay of the head rows with the centred class means, on train and test."""
    sample: str = "every:10"
    """Interplay of sample representations with the head rows of their labels, on train and test."""
    sample_size: int = 256
    """Number of samples in the `sample` pairing: a fixed seeded subset of each split."""
    sample_sizes: str = "off"
    """The `sample` pairing on the test split for n = 64, 128, 256 and so on, up to all of it."""
    norms: str = "every:10"
    """Weight norm and logit scale."""
    collapse: str = "every:50"
    """Neural collapse, NC1 to NC4, on train and test."""
    rank: str = "every:50"
    """Effective ranks and spectral entropies."""

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in self.names():
            self.schedule(name)
        self.require("sample_size", self.sample_size >= 2, "an integer of at least 2")

    @classmethod
    def names(cls) -> list[str]:
        """The probes, each of which has a schedule."""
        return [field.name for field in dataclasses.fields(cls) if field.type is str]

    @classmethod
    def only(cls: type[ConfigType], **schedules: str) -> ConfigType:
        """These probes and no others.

        >>> measured = ProbesConfig.only(accuracy="every:10")
        >>> measured.accuracy, measured.sample
        ('every:10', 'off')
        """
        settings: dict[str, Any] = dict.fromkeys(cls.names(), "off") | schedules
        return cls(**settings)

    def schedule(self, name: str) -> Schedule:
        """When a probe measures."""
        return Schedule.parse(getattr(self, name), name=f"{self._prefix}{name}")


@dataclasses.dataclass(frozen=True, kw_only=True)
class ProbesConfig(ClassifierProbesConfig):
    """What is measured when on a network whose classes are also tokens that it embeds."""

    embedding: str = "every:1"
    """Interplay of the token embeddings with the unembedding, token by token."""
    fourier: str = "every:10"
    """Fourier structure of embedding, unembedding and class means; the interplay that it would give; restricted and
    excluded loss, of the criterion that is trained with."""
    neurons: str = "every:50"
    """Fourier structure of the MLP's neurons."""
    spectrum: str = "off"
    """Fourier power on every frequency."""
    swapped: str = "off"
    """Accuracy on test pairs (a, b) of which (b, a) is a training pair, and on the others."""
