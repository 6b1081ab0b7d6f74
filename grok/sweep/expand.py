"""Expansion of a sweep's file into the runs that it asks for, in order and each once."""

import functools
import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, NoReturn

from grok.config import ConfigError, Settings, config_hash, with_settings
from grok.sweep.file import Block, SweepFile
from grok.sweep.settings import as_toml

Key = tuple[Settings, int]
"""Identity of a run's config (`Settings.identity`), and its seed. A hash would depend on the defaults."""


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """One run that a sweep asks for."""

    block: str
    axes: dict[str, Any]
    """Values of the axes for this run, by their dotted names."""
    config: Any
    config_hash: str
    seed: int

    @property
    def key(self) -> Key:
        """What identifies the run within its experiment."""
        return run_key(self.config, self.seed)


def run_key(config: Settings, seed: int) -> Key:
    """Return the identity of a config, with the seed."""
    return config.identity(), seed


def expand(sweep: SweepFile) -> list[Wanted]:
    """Return every combination of every block's axes for each of its seeds.

    The order is that of the file, and the seeds vary fastest.

    Raises:
        SweepFileError: if a setting or a combination of settings is invalid, or if two runs are equal.
    """
    wanted: dict[Key, Wanted] = {}
    blocks = {block.name: block for block in sweep.blocks}
    for block in sweep.blocks:
        for axes, config in _configs(sweep, block):
            name = config_hash(config)
            for seed in block.seeds:
                run = Wanted(block=block.name, axes=axes, config=config, config_hash=name, seed=seed)
                if earlier := wanted.get(run.key):
                    line = sweep.document.line(blocks[earlier.block].where)
                    sweep.document.refuse(
                        block.where,
                        f"duplicate runs: {block.name!r}{_at(axes)} is {earlier.block!r}{_at(earlier.axes)} of line "
                        f"{line}, with seed {seed} in both: leave one out",
                    )
                _check_data(sweep, block, run)
                wanted[run.key] = run
    return list(wanted.values())


def _configs(sweep: SweepFile, block: Block) -> Iterator[tuple[dict[str, Any], Any]]:
    """Yield the values of the axes and the config of each combination."""
    for combination in itertools.product(*(axis.values for axis in block.axes)):
        axes = {axis.name: value for axis, value in zip(block.axes, combination, strict=True)}
        try:
            config = _config(sweep, block, axes)
        except ConfigError as error:
            _refuse(sweep, block, axes, error, functools.partial(_config, sweep, block))
        yield axes, config


def _config(sweep: SweepFile, block: Block, axes: dict[str, Any]) -> Any:
    """Return the preset's config with the block's base settings and these values of its axes."""
    base = {setting.name: setting.value for setting in block.base}
    return with_settings(sweep.experiment.presets[block.preset](), base | axes)


def _check_data(sweep: SweepFile, block: Block, run: Wanted) -> None:
    def check(axes: dict[str, Any]) -> None:
        sweep.experiment.check(_config(sweep, block, axes), run.seed, None)

    try:
        sweep.experiment.check(run.config, run.seed, None)  # the machine that will train the run is not known yet
    except ConfigError as error:
        _refuse(sweep, block, run.axes, error, check, f", with seed {run.seed}")


def _refuse(
    sweep: SweepFile,
    block: Block,
    axes: dict[str, Any],
    error: ConfigError,
    check: Callable[[dict[str, Any]], Any],
    end: str = "",
) -> NoReturn:
    """Reject invalid settings with the relevant values of the axes and the line that sets the invalid setting.

    A value is relevant if another value of its axis, or the preset's, would give another error or none. If neither base
    nor axes set the setting that the error names, the line is that of the first relevant axis, or of the block.
    """

    def complaint(axes: dict[str, Any]) -> str:
        try:
            check(axes)
        except ConfigError as error:
            return str(error)
        return ""

    matters = {}
    for axis in block.axes:
        without = {name: value for name, value in axes.items() if name != axis.name}
        others = [without, *(axes | {axis.name: value} for value in axis.values)]
        if any(complaint(each) != str(error) for each in others):
            matters[axis.name] = axes[axis.name]
    places = {setting.name: setting.where for setting in block.base} | {axis.name: axis.where for axis in block.axes}
    name = str(error).partition(":")[0]
    place = places.get(name, places[next(iter(matters))] if matters else block.where)
    sweep.document.refuse(place, f"{error}{_at(matters)}{end}")


def _at(axes: dict[str, Any]) -> str:
    """Return the values of the axes in brackets.

    >>> _at({"task.modulus": 59, "settle": None}), _at({})
    (' (task.modulus = 59, settle = "none")', '')
    """
    return f" ({', '.join(f'{name} = {as_toml(value)}' for name, value in axes.items())})" if axes else ""
