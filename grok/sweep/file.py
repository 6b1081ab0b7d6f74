"""The TOML file of a sweep as blocks of base settings, axes and seeds, each with its location in the file."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from grok.arguments import UsageError, parse_seeds
from grok.config import did_you_mean
from grok.config.types import near_choice
from grok.experiment import Experiment
from grok.sweep.document import Document, KeyPath, SweepFileError
from grok.sweep.settings import SettingError, as_toml, flatten, value_as

SHIPPED = Path(__file__).parents[1] / "experiments" / "sweeps"
BLOCK_KEYS = ("preset", "seeds", "base", "axes")
TOP_KEYS = ("experiment", "name", *BLOCK_KEYS, "block")


@dataclass(frozen=True, kw_only=True)
class Setting:
    """A setting that replaces the value of the preset."""

    name: str
    """The dotted name, as on the command line."""
    value: Any
    where: KeyPath


@dataclass(frozen=True, kw_only=True)
class Axis:
    """A setting that varies over several values."""

    name: str
    values: tuple[Any, ...]
    where: KeyPath


@dataclass(frozen=True, kw_only=True)
class Block:
    """A part of a sweep: every combination of the values of its axes, for every seed."""

    name: str
    where: KeyPath
    preset: str
    seeds: tuple[int, ...]
    base: tuple[Setting, ...]
    axes: tuple[Axis, ...]


@dataclass(frozen=True, kw_only=True)
class SweepFile:
    """The contents of a sweep file."""

    document: Document
    name: str
    """The name under which its runs are recorded; two files with the same name count as one sweep."""
    experiment: Experiment
    blocks: tuple[Block, ...]


def shipped() -> dict[str, Path]:
    """Return the files of the sweeps of the package by name; they produce the figures of the README."""
    return {path.stem: path for path in sorted(SHIPPED.glob("*.toml"))}


def find_sweep(name: Path) -> Path:
    """Return the file of this name, or else the file of the sweep of the package with this name."""
    return name if name.is_file() else shipped().get(str(name), name)


def read_sweep(path: Path, experiments: Mapping[str, Experiment]) -> SweepFile:
    """Read the file and check every block and setting on its own.

    Raises:
        SweepFileError: if the file cannot be read or is invalid; the message names file, line and mend.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise SweepFileError(
            f"{path} cannot be read ({error.strerror}): name a sweep's file, or one of {', '.join(shipped())}"
            f"{did_you_mean(str(path), shipped())}"
        ) from error
    except UnicodeDecodeError as error:
        raise SweepFileError(f"{path} is not UTF-8 text: save it in UTF-8") from error
    return _Reader(Document.parse(path, text), experiments).read()


class _Reader:
    """Reads one sweep file."""

    def __init__(self, document: Document, experiments: Mapping[str, Experiment]) -> None:
        self._document = document
        values = document.values
        self._document.check_keys((), values, TOP_KEYS)
        name = self._document.text_at(
            ("experiment",), f'one of {", ".join(experiments)}, as in experiment = "grokking"'
        )
        self._experiment: Experiment = self._document.chosen(("experiment",), name, experiments)
        self._name = document.path.stem
        if "name" in values:
            expected = 'letters, digits, dots, hyphens and underscores, as in name = "weight-decays"'
            self._name = self._document.text_at(("name",), expected)
            if not re.fullmatch(r"[\w.-]+", self._name):  # the names of figure files contain it
                self._document.refuse(("name",), f"name: expected {expected}, got {as_toml(self._name)}")

    def read(self) -> SweepFile:
        tables = self._document.values.get("block", [{}])
        if not (isinstance(tables, list) and tables and all(isinstance(table, dict) for table in tables)):
            self._document.refuse(("block",), "block: expected tables, each begun by [[block]]")
        blocks: list[Block] = []
        for index, table in enumerate(tables):
            where: KeyPath = ("block", index) if "block" in self._document.values else ()
            block = self._block(where, table, f"block {index + 1}" if where else self._name)
            for earlier in blocks:
                if earlier.name == block.name:
                    line = self._document.line(earlier.where)
                    self._document.refuse(
                        (*where, "name"),
                        f"name: {block.name!r} is also the name of the block on line {line}: rename one",
                    )
            blocks.append(block)
        return SweepFile(document=self._document, name=self._name, experiment=self._experiment, blocks=tuple(blocks))

    def _block(self, where: KeyPath, table: dict[str, Any], name: str) -> Block:
        if where:
            self._document.check_keys(where, table, ("name", *BLOCK_KEYS))
            if "name" in table:
                name = self._document.text_at((*where, "name"), 'a string, as in name = "random labels"')

        def at(key: str) -> KeyPath:
            """Return the path of a key in the block, or in the file if the block lacks it."""
            return (*where, key) if key in table else (key,)

        preset = self._experiment.default_preset
        if self._document.get(at("preset")) is not None:
            preset = self._document.text_at(at("preset"), f"one of {', '.join(self._experiment.presets)}")
            self._document.chosen(at("preset"), preset, self._experiment.presets)
        base = {setting.name: setting for setting in self._base(("base",))}
        if where:
            base |= {setting.name: setting for setting in self._base((*where, "base"))}
        axes = self._axes(at("axes"))
        for axis in axes:
            own = base.get(axis.name)
            if own and (at("axes") == ("axes",) or own in self._base((*where, "base"))):
                line = self._document.line(own.where)
                self._document.refuse(
                    axis.where, f"{axis.name}: also set in base on line {line}: leave out the base or the axis"
                )
        return Block(
            name=name,
            where=where,
            preset=preset,
            seeds=self._seeds(at("seeds")),
            base=tuple(base.values()),
            axes=tuple(axes),
        )

    def _seeds(self, where: KeyPath) -> tuple[int, ...]:
        try:
            return tuple(
                parse_seeds(self._document.text_at(where, 'numbers and ranges in quotes, such as seeds = "0-9"'))
            )
        except UsageError as error:
            self._document.refuse(where, str(error).removeprefix("--"))

    def _base(self, where: KeyPath) -> list[Setting]:
        return [
            Setting(name=".".join(keys), value=self._value((*where, *keys), hint, value), where=(*where, *keys))
            for keys, hint, value in self._settings(where)
        ]

    def _axes(self, where: KeyPath) -> list[Axis]:
        axes = []
        for keys, hint, listed in self._settings(where):
            name, place = ".".join(keys), (*where, *keys)
            if not isinstance(listed, list) or not listed:
                self._document.refuse(place, f"{name}: expected a list of one value or more, got {as_toml(listed)}")
            values = tuple(self._value(place, hint, value) for value in listed)
            for index, value in enumerate(values):
                if value in values[:index]:
                    self._document.refuse(place, f"{name}: {as_toml(value)} is listed twice: leave one out")
            axes.append(Axis(name=name, values=values, where=place))
        return axes

    def _settings(self, where: KeyPath) -> list[tuple[tuple[str, ...], Any, Any]]:
        """Return keys, type and value in the file for each setting of a table."""
        table = self._document.get(where)
        if table is None:
            return []
        if not isinstance(table, dict):
            self._document.refuse(where, f"{where[-1]}: expected a table of settings, begun by [{where[-1]}]")
        try:
            return list(flatten(self._experiment.config_type, table))
        except SettingError as error:
            self._document.refuse((*where, *error.keys), str(error))

    def _value(self, where: KeyPath, hint: Any, value: Any) -> Any:
        try:
            return value_as(hint, value)
        except TypeError as error:
            keys = where[where.index("axes" if "axes" in where else "base") + 1 :]
            got = f"{as_toml(value)}{near_choice(hint, value)}"
            self._document.refuse(where, f"{'.'.join(map(str, keys))}: expected {error}, got {got}")
