"""A sweep's TOML file as blocks of base settings, axes and seeds, each with its place in the file."""

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
    """A setting in place of the preset's."""

    name: str
    """Dotted, as on the command line."""
    value: Any
    where: KeyPath


@dataclass(frozen=True, kw_only=True)
class Axis:
    """A setting that takes each of these values."""

    name: str
    values: tuple[Any, ...]
    where: KeyPath


@dataclass(frozen=True, kw_only=True)
class Block:
    """A part of a sweep: every combination of its axes' values, for every seed."""

    name: str
    where: KeyPath
    preset: str
    seeds: tuple[int, ...]
    base: tuple[Setting, ...]
    axes: tuple[Axis, ...]


@dataclass(frozen=True, kw_only=True)
class SweepFile:
    """What a sweep's file asks for."""

    document: Document
    name: str
    """What its runs are known to be of: two files of one name would be one study."""
    experiment: Experiment
    blocks: tuple[Block, ...]


def shipped() -> dict[str, Path]:
    """The sweeps that come with the package, behind the figures of the README, by name."""
    return {path.stem: path for path in sorted(SHIPPED.glob("*.toml"))}


def find_sweep(name: Path) -> Path:
    """The file of this name, or the sweep that comes with the package under it."""
    return name if name.is_file() else shipped().get(str(name), name)


def read_sweep(path: Path, experiments: Mapping[str, Experiment]) -> SweepFile:
    """Read the file and check all of it that one block or one setting shows.

    Raises:
        SweepFileError: with file, line and mend.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise SweepFileError(
            f"{path} cannot be read ({error.strerror}): name a sweep's file, or one of {', '.join(shipped())}"
            f"{did_you_mean(str(path), shipped())}"
        ) from error
    except UnicodeDecodeError as error:
        raise SweepFileError(f"{path} is no text in UTF-8: save it as such") from error
    return _Reader(Document.parse(path, text), experiments).read()


class _Reader:
    """Reads one file."""

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
            if not re.fullmatch(r"[\w.-]+", self._name):  # figures have it in their files' names
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
                        (*where, "name"), f"name: {block.name!r} is the block of line {line} too: rename one"
                    )
            blocks.append(block)
        return SweepFile(document=self._document, name=self._name, experiment=self._experiment, blocks=tuple(blocks))

    def _block(self, where: KeyPath, table: dict[str, Any], name: str) -> Block:
        if where:
            self._document.check_keys(where, table, ("name", *BLOCK_KEYS))
            if "name" in table:
                name = self._document.text_at((*where, "name"), 'a text, as in name = "random labels"')

        def at(key: str) -> KeyPath:
            """The block's own, or the file's."""
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
                    axis.where, f"{axis.name}: set in base too, on line {line}: leave out the base or the axis"
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
        """The settings of a table: keys, type, value as it is in the file."""
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
