"""From a sweep's file to the runs that it asks for, in order, each once."""

import functools
import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from grok.config import ConfigError, config_from_json, config_hash, config_to_json
from grok.sweep.file import Block, SweepFile
from grok.sweep.settings import as_toml


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """One run that a sweep asks for."""

    block: str
    axes: dict[str, Any]
    """The values of the axes that make it what it is, by their dotted names."""
    config: Any
    config_hash: str
    seed: int

    @property
    def key(self) -> tuple[str, int]:
        """What tells it from all others of its experiment."""
        return self.config_hash, self.seed


def expand(sweep: SweepFile) -> list[Wanted]:
    """Every combination of every block's axes for each of its seeds, in the order of the file, seeds last.

    Raises:
        SweepFileError: settings that cannot be, alone or together, or two runs that are the same.
    """
    wanted: dict[tuple[str, int], Wanted] = {}
    blocks = {block.name: block for block in sweep.blocks}
    for block in sweep.blocks:
        for axes, config in _configs(sweep, block):
            name = config_hash(config)
            for seed in block.seeds:
                run = Wanted(block=block.name, axes=axes, config=config, config_hash=name, seed=seed)
                if earlier := wanted.get(run.key):
                    sweep.refuse(
                        block.line,
                        f"duplicate runs: {block.name!r}{_at(axes)} is {earlier.block!r}{_at(earlier.axes)} of line "
                        f"{blocks[earlier.block].line}, with seed {seed} in both: leave one out",
                    )
                _check_data(sweep, block, run)
                wanted[run.key] = run
    return list(wanted.values())


def _configs(sweep: SweepFile, block: Block) -> Iterator[tuple[dict[str, Any], Any]]:
    """The axes' values and the config of each combination."""
    base = {setting.name: setting.value for setting in block.base}
    for combination in itertools.product(*(axis.values for axis in block.axes)):
        axes = {axis.name: value for axis, value in zip(block.axes, combination, strict=True)}
        values = config_to_json(sweep.experiment.presets[block.preset]())
        for name, value in (base | axes).items():
            *tables, key = name.split(".")
            functools.reduce(dict.__getitem__, tables, values)[key] = value
        try:
            config = config_from_json(sweep.experiment.config_type, values)
        except ConfigError as error:
            sweep.refuse(_line_of(block, str(error).partition(":")[0]), f"{error}{_at(axes)}")
        yield axes, config


def _check_data(sweep: SweepFile, block: Block, run: Wanted) -> None:
    try:
        sweep.experiment.check(run.config, run.seed)
    except ConfigError as error:
        line = _line_of(block, str(error).partition(":")[0])
        sweep.refuse(line, f"{error}{_at(run.axes)}, with seed {run.seed}")


def _line_of(block: Block, name: str) -> int:
    """Where the block sets what is wrong; the first axis, or the block itself, where it does not."""
    lines = {setting.name: setting.line for setting in block.base} | {axis.name: axis.line for axis in block.axes}
    return lines.get(name, block.axes[0].line if block.axes else block.line)


def _at(axes: dict[str, Any]) -> str:
    """The place on the axes, in brackets.

    >>> _at({"task.modulus": 59, "settle": None}), _at({})
    (' (task.modulus = 59, settle = "none")', '')
    """
    return f" ({', '.join(f'{name} = {as_toml(value)}' for name, value in axes.items())})" if axes else ""
