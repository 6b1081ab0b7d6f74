"""Measurements, which the host computes from the observations of a block."""

import itertools
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from grok.training.probes import Metrics, Observation, Probe
from grok.training.ring import Block
from grok.training.workers import side_by_side

Row = dict[str, float]

AT_ONCE = 64  # observations evaluated together on a GPU; a CPU takes one at a time, since it gains nothing from batches


@dataclass(frozen=True)
class Measured:
    """The metrics of one probe on one network: the steps, and one array of the same length per column."""

    steps: Int[np.ndarray, "row"]
    columns: dict[str, Float[np.ndarray, "row"]]


@dataclass(frozen=True)
class Measurements:
    """The metrics of all probes on one network in a block of steps."""

    by_probe: dict[str, Measured]

    def column(self, name: str) -> list[tuple[int, float]]:
        """Return steps and values of one metric; the list is empty if it was not measured."""
        for measured in self.by_probe.values():
            if name in measured.columns:
                return list(zip(measured.steps.tolist(), measured.columns[name].tolist(), strict=True))
        return []

    @property
    def num_rows(self) -> int:
        """The largest number of steps at which a probe measured."""
        return max((len(measured.steps) for measured in self.by_probe.values()), default=0)

    def latest(self) -> Row:
        """Return the newest value of every metric."""
        return {
            name: float(values[-1])
            for measured in self.by_probe.values()
            for name, values in measured.columns.items()
            if len(values)
        }

    def rows(self) -> list[tuple[int, Row]]:
        """Return the metrics step by step."""
        rows: dict[int, Row] = {}
        for measured in self.by_probe.values():
            for index, step in enumerate(measured.steps.tolist()):
                rows.setdefault(step, {}).update(
                    {name: float(values[index]) for name, values in measured.columns.items()}
                )
        return sorted(rows.items())


@torch.no_grad()
def evaluate(block: Block, probes: Mapping[str, Probe], ends: Int[np.ndarray, "member"]) -> list[Measurements]:
    """Return the measurements of `block` for each member, at the steps before the step at which it `ends`."""
    by_member: list[dict[str, Measured]] = [{} for _ in ends]
    steps = {name: np.array(block.steps.get(name, []), dtype=np.int64) for name in probes}
    measured = {
        name: _Kept.of(block.observed[name], torch.from_numpy(each[:, None] < ends))
        for name, each in steps.items()
        if len(each)
    }
    # All probes side by side, since most blocks have only a few observations of each
    pieces = [(probes[name], piece) for name, kept in measured.items() for piece in kept.pieces]
    parts = side_by_side(_evaluate, pieces)
    for name, kept in measured.items():
        values = kept.table(list(itertools.islice(parts, len(kept.pieces))))
        for member, by_probe in enumerate(by_member):
            rows = kept.which[:, member].numpy()
            if rows.any():
                by_probe[name] = Measured(
                    steps[name][rows], {column: array[rows, member] for column, array in values.items()}
                )
    return [Measurements(each) for each in by_member]


def _evaluate(piece: tuple[Probe, Observation]) -> Metrics:
    probe, observed = piece
    return probe.evaluate(observed)


@dataclass(frozen=True)
class _Kept:
    """The observations of one probe that are evaluated, in pieces, and which of (row, member) they are.

    Observations after the end of a member may not be finite, so they are left out.
    """

    pieces: list[Observation]
    which: Bool[Tensor, "row member"]

    @classmethod
    def of(cls, observed: Observation, which: Bool[Tensor, "row member"]) -> "_Kept":
        flat = {name: tensor.flatten(0, 1) for name, tensor in observed.items()}
        if not which.all():
            wanted = which.flatten().nonzero().squeeze(1)
            flat = {name: tensor[wanted.to(tensor.device)] for name, tensor in flat.items()}
        device = next(iter(flat.values())).device
        size = 1 if device.type == "cpu" else AT_ONCE
        firsts = range(0, int(which.sum()), size)
        return cls([{name: each[first : first + size] for name, each in flat.items()} for first in firsts], which)

    def table(self, parts: list[Metrics]) -> dict[str, Float[np.ndarray, "row member"]]:
        """Return the metrics of the pieces by column; those of observations that were left out are NaN."""
        if not parts:
            return {}
        names = list(parts[0])
        table = torch.stack([torch.cat([part[name].double() for part in parts]) for name in names]).cpu()
        values = torch.full((len(names), *self.which.shape), torch.nan, dtype=torch.float64)
        values[:, self.which] = table
        return dict(zip(names, values.numpy(), strict=True))
