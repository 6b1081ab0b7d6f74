"""A TOML document with values at key paths. An error about a value names the line that sets it."""

import bisect
import contextlib
import tomllib
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from grok.arguments import UsageError, choose
from grok.config import ConfigError, did_you_mean
from grok.sweep.settings import as_toml

KeyPath = tuple[str | int, ...]
"""Keys from the top level down; elements of an array of tables are numbered from 0."""


class SweepFileError(ConfigError):
    """Raised for an invalid sweep file; the message is one line with the file, the line and the mend."""


@dataclass(frozen=True)
class Document:
    """A TOML text and its values."""

    path: Path
    text: str
    values: dict[str, Any]

    @classmethod
    def parse(cls, path: Path, text: str) -> "Document":
        """Parse the text of the file at `path`.

        Raises:
            SweepFileError: if the text is not TOML.
        """
        try:
            return cls(path, text, tomllib.loads(text))
        except tomllib.TOMLDecodeError as error:
            raise SweepFileError(f"{path} is not TOML: {error}") from error

    def line(self, where: KeyPath) -> int:
        """Return the line, counted from 1, where the statement starts that first sets the value at a path.

        tomllib does not report lines, so this searches for the shortest start of the text that sets the value. Without
        a value at the path, it returns the line of the closest enclosing table, or the first line.
        """
        while where and self.get(where) is None:
            where = where[:-1]
        lines = self.text.split("\n")

        def is_set_by(count: int) -> bool:
            """Return whether the statements that start on the first `count` lines set the path."""
            for end in range(count, len(lines)):
                with contextlib.suppress(tomllib.TOMLDecodeError):  # a statement continues after this line
                    return _find(tomllib.loads("\n".join(lines[:end])), where) is not None
            return True

        return bisect.bisect_left(range(len(lines)), True, key=is_set_by) if where else 1

    def text_at(self, where: KeyPath, expected: str) -> str:
        """Return the string at a path; reject other values with a message that says what was `expected`."""
        value = self.get(where)
        if not isinstance(value, str):
            got = "none" if value is None else as_toml(value)
            self.refuse(where, f"{where[-1]}: expected {expected}, got {got}")
        return value

    def chosen(self, where: KeyPath, name: str, choices: Mapping[str, Any]) -> Any:
        """Return the choice of this name; an unknown name is an error at the path."""
        try:
            return choose(str(where[-1]), name, choices)
        except UsageError as error:
            self.refuse(where, str(error))

    def get(self, where: KeyPath) -> Any:
        """Return the value at a path, or None if there is none."""
        return _find(self.values, where)

    def check_keys(self, where: KeyPath, table: dict[str, Any], known: Collection[str]) -> None:
        """Reject a table with an unknown key."""
        for key in table:
            if key not in known:
                self.refuse((*where, key), f"{key}: expected one of {', '.join(known)}{did_you_mean(key, known)}")

    def refuse(self, where: KeyPath, message: str) -> NoReturn:
        """Raise SweepFileError for the value at a path."""
        raise SweepFileError(f"{self.path}:{self.line(where)}: {message}")


def _find(values: Any, where: KeyPath) -> Any:
    for key in where:
        try:
            values = values[key]
        except (KeyError, IndexError, TypeError):
            return None
    return values
