"""A TOML text as values whose lines are known, so that what is wrong with one is told with its line."""

import re
import tomllib
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from grok.arguments import UsageError, choose
from grok.config import ConfigError, did_you_mean
from grok.sweep.lines import KeyPath, key_lines, nearest_line
from grok.sweep.settings import as_toml


class SweepFileError(ConfigError):
    """What is wrong with a sweep's file: one line with the file, the line and the mend."""


@dataclass(frozen=True)
class Document:
    """The values of a TOML text by their paths, and the lines of its keys."""

    path: Path
    values: dict[str, Any]
    lines: Mapping[KeyPath, int]

    @classmethod
    def parse(cls, path: Path, text: str) -> "Document":
        """The text of the file at `path`.

        Raises:
            SweepFileError: it is no TOML.
        """
        try:
            return cls(path, tomllib.loads(text), key_lines(text))
        except tomllib.TOMLDecodeError as error:
            message, line, column = _place(str(error), text)
            raise SweepFileError(f"{path}:{line}: {message} at column {column}: mend the TOML") from error

    def line(self, where: KeyPath) -> int:
        """The line of what stands at a path."""
        return nearest_line(self.lines, where)

    def text(self, where: KeyPath, expected: str) -> str:
        """The text at a path; refused as not what was `expected` where there is none."""
        value = self.get(where)
        if not isinstance(value, str):
            got = "none" if value is None else as_toml(value)
            self.refuse(where, f"{where[-1]}: expected {expected}, got {got}")
        return value

    def chosen(self, where: KeyPath, name: str, choices: Mapping[str, Any]) -> Any:
        """The choice of this name, which stands at a path."""
        try:
            return choose(str(where[-1]), name, dict(choices))
        except UsageError as error:
            self.refuse(where, str(error))

    def get(self, where: KeyPath) -> Any:
        """What stands at a path; None where nothing does."""
        value: Any = self.values
        for key in where:
            value = value.get(str(key)) if isinstance(value, dict) else value[key]
            if value is None:
                return None
        return value

    def check_keys(self, where: KeyPath, table: dict[str, Any], known: Collection[str]) -> None:
        """Refuse a table with a key that is none of those known."""
        for key in table:
            if key not in known:
                self.refuse((*where, key), f"{key}: expected one of {', '.join(known)}{did_you_mean(key, known)}")

    def refuse(self, where: KeyPath, message: str) -> NoReturn:
        """Raise SweepFileError for what stands at a path."""
        self.refuse_line(self.line(where), message)

    def refuse_line(self, line: int, message: str) -> NoReturn:
        """Raise SweepFileError for a line."""
        raise SweepFileError(f"{self.path}:{line}: {message}")


def _place(message: str, text: str) -> tuple[str, int, int]:
    """Message, line and column of an error of tomllib."""
    found = re.search(r"^(.*) \(at line (\d+), column (\d+)\)$", message)
    if found:
        return found[1], int(found[2]), int(found[3])
    lines = text.splitlines() or [""]
    return message.removesuffix(" (at end of document)"), len(lines), len(lines[-1]) + 1
