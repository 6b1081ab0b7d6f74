"""What is observed in a block of steps, kept on the device until it is evaluated."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import torch
from jaxtyping import Shaped
from torch import Tensor

from grok.training.probes import Observation

Observed = dict[str, Observation]
"""What the probes keep of a step, by the probe's name."""

LARGEST = 2**28  # bytes of one probe's half: 256 MiB


class Block(NamedTuple):
    """What was observed since the last block: for each probe its steps, and its observations row by row."""

    steps: dict[str, list[int]]
    observed: Observed


class Ring:
    """Two halves of a few rows a probe, used in turn: one is evaluated while the other fills. Its memory never grows.

    The place of the next row is counted on the device, so that writing can be captured in a CUDA graph and replayed;
    the host keeps the steps.
    """

    def __init__(self, rows: Mapping[str, int]) -> None:
        """Make room for so many rows of each probe; fewer where they would be larger than `LARGEST`."""
        self._capacity = dict(rows)
        self._half = 0
        self._rows: Observed = {}
        self._next: dict[str, Shaped[Tensor, "1"]] = {}
        self._steps: dict[str, list[int]] = {probe: [] for probe in rows}

    def has_room(self, probes: Sequence[str]) -> bool:
        """Whether a row of each of these probes can be written."""
        return all(len(self._steps[probe]) < self._capacity[probe] for probe in probes)

    def write(self, observed: Observed) -> None:
        """Append a row a probe; device work alone, once each probe has been written."""
        for probe, observation in observed.items():
            if probe not in self._rows:
                self._allocate(probe, observation)
            for name, value in observation.items():
                self._rows[probe][name].index_copy_(0, self._next[probe], value.detach()[None])
            self._next[probe] += 1

    def note(self, step: int, probes: Sequence[str]) -> None:
        """Say that a row of each of these probes has been written, or its writing replayed, for `step`."""
        for probe in probes:
            self._steps[probe].append(step)

    def take(self) -> Block:
        """What was written since the last call, as views that stay as they are until the next call but one."""
        observed: Observed = {}
        for probe, rows in self._rows.items():
            first = self._half * self._capacity[probe]
            observed[probe] = {name: tensor[first : first + len(self._steps[probe])] for name, tensor in rows.items()}
        steps, self._steps = self._steps, {probe: [] for probe in self._steps}
        self._half = 1 - self._half
        for probe, place in self._next.items():
            place.fill_(self._half * self._capacity[probe])
        return Block({probe: steps[probe] for probe in observed}, observed)

    def _allocate(self, probe: str, observation: Observation) -> None:
        size = sum(value.numel() * value.element_size() for value in observation.values())
        capacity = self._capacity[probe] = max(1, min(self._capacity[probe], LARGEST // size))
        device = next(iter(observation.values())).device
        self._next[probe] = torch.full((1,), self._half * capacity, device=device)
        self._rows[probe] = {name: value.new_empty((2 * capacity, *value.shape)) for name, value in observation.items()}
