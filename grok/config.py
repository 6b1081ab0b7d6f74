"""Settings as frozen dataclasses. They are the command line too: each field is a flag, each docstring its help."""

import dataclasses
import hashlib
import json
from collections.abc import Mapping
from math import log10
from typing import Any, Literal, TypeVar, get_args, get_origin, get_type_hints

ConfigType = TypeVar("ConfigType")


class ConfigError(Exception):
    """A setting that cannot be: the message names it, what was expected, what came, and the mend."""


def _require(condition: bool, name: str, expected: str, got: object) -> None:
    if not condition:
        raise ConfigError(f"{name}: expected {expected}, got {got}")


@dataclasses.dataclass(frozen=True, kw_only=True)
class TaskConfig:
    """Modular arithmetic: predict a ∘ b (mod p) from the tokens `a b =`."""

    operation: Literal["add"] = "add"
    """The operation ∘."""
    modulus: int = 113
    """The modulus p: there are p classes and p² pairs."""
    train_fraction: float = 0.3
    """Fraction of the p² pairs to train on; the rest is the test set."""

    def __post_init__(self) -> None:
        _require(self.modulus >= 3, "task.modulus", "an integer of at least 3", self.modulus)
        _require(0 < self.train_fraction < 1, "task.train_fraction", "a fraction in (0, 1)", self.train_fraction)
        _require(
            0 < self.train_size < self.modulus**2,
            "task.train_fraction",
            f"a fraction that leaves both splits a sample of the {self.modulus**2}",
            self.train_fraction,
        )

    @property
    def train_size(self) -> int:
        """Number of training pairs."""
        return int(self.train_fraction * self.modulus**2)


@dataclasses.dataclass(frozen=True, kw_only=True)
class TransformerConfig:
    """One-layer ReLU transformer without LayerNorm (Nanda et al. 2023)."""

    d_model: int = 128
    """Width of the residual stream."""
    num_heads: int = 4
    """Number of attention heads."""
    d_head: int = 32
    """Width of one attention head."""
    d_mlp: int = 512
    """Width of the MLP's hidden layer."""

    def __post_init__(self) -> None:
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            _require(value >= 1, f"model.{field.name}", "a positive integer", value)


@dataclasses.dataclass(frozen=True, kw_only=True)
class OptimiserConfig:
    """Full-batch AdamW with a linear warm-up (Nanda et al. 2023)."""

    learning_rate: float = 1e-3
    """Learning rate after the warm-up."""
    weight_decay: float = 1.0
    """Decoupled weight decay, on every parameter."""
    betas: tuple[float, float] = (0.9, 0.98)
    """Decay rates of AdamW's two moments."""
    warmup_steps: int = 10
    """Update t of the first this many has t/warmup_steps of the learning rate."""

    def __post_init__(self) -> None:
        _require(self.learning_rate > 0, "optimiser.learning_rate", "a positive number", self.learning_rate)
        _require(self.weight_decay >= 0, "optimiser.weight_decay", "a number of at least 0", self.weight_decay)
        _require(all(0 <= beta < 1 for beta in self.betas), "optimiser.betas", "two numbers in [0, 1)", self.betas)
        _require(self.warmup_steps >= 0, "optimiser.warmup_steps", "an integer of at least 0", self.warmup_steps)


@dataclasses.dataclass(frozen=True, kw_only=True)
class ProbesConfig:
    """What is measured when: `every:K` steps, `log:N` (N log-spaced steps a decade), or `off`."""

    accuracy: str = "every:10"
    """Loss and accuracy on train and test."""
    prototype: str = "every:10"
    """Interplay of the head rows with the centred class means, on train and test."""
    sample: str = "every:10"
    """Interplay of sample representations with the head rows of their labels, on train and test."""
    sample_size: int = 256
    """Number of samples in the `sample` pairing: a fixed seeded subset of each split."""
    embedding: str = "every:1"
    """Interplay of the token embeddings with the unembedding, token by token."""
    norms: str = "every:10"
    """Weight norm and logit scale."""

    def __post_init__(self) -> None:
        for field in dataclasses.fields(self):
            if field.type is str:
                Schedule.parse(getattr(self, field.name), name=f"probes.{field.name}")
        _require(self.sample_size >= 2, "probes.sample_size", "an integer of at least 2", self.sample_size)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Schedule:
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
        _require(valid, name, "every:K, log:N or off, with K or N a positive integer", text)
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
        """The most measurements that so many consecutive steps can have, or a bound on them.

        >>> Schedule.parse("every:10").most_due(50), Schedule.parse("every:10").most_due(51)
        (5, 6)
        """
        return -(-steps // self.number) if self.kind == "every" else steps


@dataclasses.dataclass(frozen=True, kw_only=True)
class GrokkingConfig:
    """Everything that decides the numbers of a grokking run, but for the seed."""

    task: TaskConfig = TaskConfig()
    """The data."""
    model: TransformerConfig = TransformerConfig()
    """The network."""
    optimiser: OptimiserConfig = OptimiserConfig()
    """The training rule."""
    probes: ProbesConfig = ProbesConfig()
    """The measurements, each `every:K` steps, `log:N` (N log-spaced steps a decade), or `off`."""
    steps: int = 40_000
    """Most steps to train for."""
    settle: int | None = 2_000
    """End this many steps after test accuracy has reached 99 % and stayed there; None trains for all steps."""
    loss_dtype: Literal["float64", "float32"] = "float64"
    """Precision of the cross-entropy. In float32 a loss below about 1e-7 a sample is rounded to 0, its gradient too."""

    def __post_init__(self) -> None:
        _require(self.steps >= 0, "steps", "an integer of at least 0", self.steps)
        _require(self.settle is None or self.settle >= 1, "settle", "None or an integer of at least 1", self.settle)
        smaller_split = min(self.task.train_size, self.task.modulus**2 - self.task.train_size)
        _require(
            self.probes.sample == "off" or self.probes.sample_size <= smaller_split,
            "probes.sample_size",
            f"at most the size of the smaller split, {smaller_split}",
            self.probes.sample_size,
        )
        if self.settle is not None and self.probes.accuracy == "off":
            raise ConfigError("settle: needs test accuracy, but probes.accuracy is off; switch it on, or settle None")

    @property
    def label(self) -> str:
        """A short name for people; the hash tells apart what it leaves out."""
        return f"{self.task.operation}-p{self.task.modulus}"


def config_to_json(config: Any) -> dict[str, Any]:
    """The settings as plain JSON values."""
    return json.loads(json.dumps(dataclasses.asdict(config)))


def config_from_json(config_type: type[ConfigType], values: Mapping[str, Any]) -> ConfigType:
    """Read what `config_to_json` wrote.

    Raises:
        ConfigError: a field that this version does not know, lacks, or cannot take.
    """
    hints = get_type_hints(config_type)
    if set(hints) != set(values):
        raise ConfigError(f"expected the settings {sorted(hints)}, got {sorted(values)}: another version wrote them")
    fields: dict[str, Any] = {}
    for name, value in values.items():
        if dataclasses.is_dataclass(hints[name]):
            fields[name] = config_from_json(hints[name], value)
        elif get_origin(hints[name]) is tuple:
            fields[name] = tuple(value)
        else:
            fields[name] = value
        if get_origin(hints[name]) is Literal:
            choices = get_args(hints[name])
            _require(value in choices, name, f"one of {', '.join(choices)}", value)
    return config_type(**fields)


def config_hash(config: Any) -> str:
    """Eight hexadecimal digits that name the settings; equal settings have equal hashes."""
    text = json.dumps(config_to_json(config), sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:8]
