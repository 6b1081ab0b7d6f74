"""The buffer that holds the observations of a block of steps on the device until they are evaluated."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import torch
from jaxtyping import Shaped
from torch import Tensor

from grok.training.probes import Observation

Observed = dict[str, Observation]
"""The observations of a step, by the name of the probe."""

LARGEST = 2**28  # bytes of one half of the rows of a probe (256 MiB)


class Block(NamedTuple):
    """The observations since the last block: for each probe, its steps and its observations row by row."""

    steps: dict[str, list[int]]
    observed: Observed


class Ring:
    """Two halves of a few rows per probe, used in turn: one is evaluated while the other fills.

    The memory never grows. The position of the next row is counted on the device, so that a CUDA graph can capture and
    replay the write. The host keeps the steps.
    """

    def __init__(self, rows: Mapping[str, int]) -> None:
        """Make room for `rows` rows of each probe, or fewer if they would be larger than `LARGEST`."""
        self._capacity = dict(rows)
        self._half = 0
        self._rows: Observed = {}
        self._next: dict[str, Shaped[Tensor, "1"]] = {}
        self._steps: dict[str, list[int]] = {probe: [] for probe in rows}

    def has_room(self, probes: Sequence[str]) -> bool:
        """Return whether a row of each of these probes can be written."""
        return all(len(self._steps[probe]) < self._capacity[probe] for probe in probes)

    def write(self, observed: Observed) -> None:
        """Append a row per probe; after the first write of each probe, this is work of the device only."""
        for probe, observation in observed.items():
            if probe not in self._rows:
                self._allocate(probe, observation)
            for name, value in observation.items():
                self._rows[probe][name].index_copy_(0, self._next[probe], value.detach()[None])
            self._next[probe] += 1

    def note(self, step: int, probes: Sequence[str]) -> None:
        """Note that a row of each of these probes has been written for `step`, directly or by a replay."""
        for probe in probes:
            self._steps[probe].append(step)

    def take(self) -> Block:
        """Return the rows since the last call, as views that remain valid until the call after the next."""
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
