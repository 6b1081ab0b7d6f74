"""How large the parts are: as in the paper, or small enough to rehearse all of them on a CPU in two minutes."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Sizes:
    """The sizes of all parts. They are plain numbers, which travel to the process of a part as JSON."""

    modulus: int = 113
    """Modulus p of the grokking runs."""
    compared_steps: int = 100
    """Steps whose losses are compared between two executors."""
    compared_members: tuple[int, ...] = (1, 8)
    """Sizes of the stacks whose losses are compared."""
    compared_image_steps: int = 20
    """The same as `compared_steps`, for the network on images."""
    steps: int = 500
    """Steps per timing of one network."""
    measured_steps: int = 200
    """Steps per timing with probes."""
    repeats: int = 5
    """Repeats of each timing, of which tables show the median."""
    members: tuple[int, ...] = (1, 8, 64, 256)
    """Sizes of the stacks that are timed."""
    stacked_steps: int = 50
    """Steps per timing of a stack."""
    run_steps: int | None = None
    """Largest number of steps of the `paper` run; None is the preset's."""
    control_steps: int = 15_000
    """Steps of each control."""
    control_seeds: int = 5
    """Seeds of each kind of control."""
    depth: int = 28
    """Depth of the wide residual network."""
    width: int = 2
    """Its widening factor."""
    batch_size: int = 64
    """Images per step."""
    image_steps: int = 100
    """Steps per timing of the network on images."""
    preset: str = "gpu"
    """Preset of supervised training that trains for the rest of the time."""
    preset_steps: int | None = None
    """Its largest number of steps; None is the preset's."""

    def json(self) -> dict[str, Any]:
        """Return the sizes as they are after a journey as JSON, in which tuples are lists."""
        sizes: dict[str, Any] = json.loads(json.dumps(asdict(self)))
        return sizes

    @classmethod
    def of_json(cls, sizes: Mapping[str, Any]) -> "Sizes":
        """Read what `json` returned."""
        fields: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value for name, value in sizes.items()
        }
        return cls(**fields)


FULL = Sizes()

SMALL = Sizes(
    modulus=23,
    compared_steps=20,
    compared_members=(1, 2),
    compared_image_steps=3,
    steps=20,
    measured_steps=20,
    repeats=3,
    members=(1, 2, 4, 8),
    stacked_steps=10,
    run_steps=300,
    control_steps=100,
    control_seeds=2,
    depth=10,
    width=1,
    batch_size=16,
    image_steps=2,
    preset="laptop",
    preset_steps=200,
)
