"""The journal `results.jsonl`: one line for each measurement, written as soon as it is known.

A kill in the middle of a write leaves a torn line. Readers skip it, and the next line begins on a new one.
"""

import json
import os
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

FORMAT = 1
DONE, FAILED, OUT_OF_TIME, LEFT_OUT = "done", "failed", "out of time", "left out"
INTERRUPTED, NOT_BEGUN = "interrupted", "not begun"


class JournalError(Exception):
    """Raised when a journal cannot be continued; the message says why, and the mend."""


@dataclass
class Outcome:
    """What is known of one part: what it has measured, and how it ended."""

    tables: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    """Rows by the title of their table. A row has its cells for programs, `plain`, and for readers, `text`."""
    state: str = NOT_BEGUN
    message: str = ""
    seconds: float = 0.0
    budget: float = 0.0
    machine: str = ""
    """Description of the machine that ran it, in one line."""


@dataclass(frozen=True)
class Journal:
    """A file with one JSON object per line, which only grows."""

    path: Path

    def exists(self) -> bool:
        """Return whether there is a journal to continue."""
        return self.path.exists()

    def add(self, **fields: Any) -> None:
        """Append a line and bring it to disk."""
        with self.path.open("a+b") as file:
            torn = file.tell() > 0 and not self._ends_in_newline()
            line = ("\n" if torn else "") + json.dumps(fields) + "\n"
            file.write(line.encode())
            file.flush()
            os.fsync(file.fileno())

    def _ends_in_newline(self) -> bool:
        with self.path.open("rb") as file:
            file.seek(-1, os.SEEK_END)
            return file.read(1) == b"\n"

    def lines(self) -> list[dict[str, Any]]:
        """Return the lines in their order, without those that are torn."""
        found = []
        for line in self.path.read_bytes().splitlines():
            try:
                value = json.loads(line)
            except (ValueError, RecursionError):
                continue
            if isinstance(value, dict):
                found.append(value)
        return found

    def begin(self, settings: Mapping[str, Any]) -> None:
        """Write the settings into a new journal, or check that those of an old one are the same.

        Raises:
            JournalError: if the journal is of another format or has other settings.
        """
        expected = json.loads(json.dumps({"format": FORMAT, **settings}))
        if not self.exists() or not (lines := self.lines()):
            self.add(**expected)
            return
        written = next((line for line in lines if "format" in line), None)
        if written is None:
            raise JournalError(f"{self.path} has lost the line with its settings: choose another --out, or --fresh")
        if written != expected:
            differing = [name for name, value in expected.items() if written.get(name) != value] or ["format"]
            raise JournalError(
                f"{self.path} has results with another {' and '.join(differing)}: choose another --out, or begin anew "
                "with --fresh"
            )

    def outcomes(self) -> dict[str, Outcome]:
        """Return what is known of each part that has begun, by its name.

        The rows of a part that is tried again replace those of its earlier try, but only once there are any. Lines of
        another form are skipped.
        """
        found: defaultdict[str, Outcome] = defaultdict(Outcome)
        unmeasured: set[str] = set()
        for line in self.lines():
            match line:
                case {"part": str() as name, "begun": str() as machine}:
                    tables = found[name].tables if name in found else {}
                    found[name] = Outcome(tables=tables, state=INTERRUPTED, machine=machine)
                    unmeasured.add(name)
                case {"part": str() as name, "title": str() as title, "plain": dict() as plain, "text": dict() as text}:
                    if name in unmeasured:
                        unmeasured.discard(name)
                        found[name].tables = {}
                    found[name].tables.setdefault(title, []).append({"plain": plain, "text": text})
                case {
                    "part": str() as name,
                    "state": str() as state,
                    "message": str() as message,
                    "seconds": int() | float() as seconds,
                    "budget": int() | float() as budget,
                }:
                    outcome = found[name]
                    outcome.state, outcome.message = state, message
                    outcome.seconds, outcome.budget = seconds, budget
        return dict(found)
