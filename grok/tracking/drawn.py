"""What has been drawn from which records, so that only figures whose records have changed are drawn again.

Everything is decided from file facts, without the libraries that draw, which take seconds to import.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from grok.tracking.files import write_atomically
from grok.tracking.notes import note
from grok.tracking.store import REFERENCE

STATE = ".drawn.json"
"""Name of the file beside the figures that holds what was drawn."""

CODE = (
    "analysis",
    "config",
    "experiments",
    "figures",
    "information",
    "tracking",
    "columns.py",
    "experiment.py",
    "operations.py",
)
"""Parts of the package that decide how a figure looks."""
LIBRARIES = ("matplotlib", "numpy", "pandas", "scipy", "torch")

FINISHED = b'"status": "finished"'


@dataclass(frozen=True)
class Place:
    """A store and the folder for its figures."""

    store: Path
    plots: Path


def places(runs: Path, plots: Path) -> dict[str, Place]:
    """Return by name the places of the own runs and of the reference records, whose figures are kept apart."""
    return {"own": Place(runs, plots), REFERENCE: Place(runs / REFERENCE, plots / REFERENCE)}


class Drawn:
    """The state of the figures in a folder: which were drawn, from which records, by which code.

    A figure is up to date if the runs that it shows, the code and the libraries are the same as when it was drawn, and
    if its files are as they were written. A kind of figure is up to date if no run of its experiments has changed
    since.
    """

    def __init__(self, runs: Path, plots: Path, experiments: Iterable[str]) -> None:
        """Read the state; that of other runs, other code or other experiments counts for nothing."""
        self._path = plots / STATE
        self._for = {"runs": str(runs.resolve()), "code": code_facts(experiments)}
        self._places = places(runs, plots)
        self._facts = {store: record_facts(place.store) for store, place in self._places.items()}
        state = _read(self._path)
        fits = all(state.get(name) == value for name, value in self._for.items())
        self._every: list[str] = state["every"] if fits else []
        self._kinds: dict[str, list[str]] = state["kinds"] if fits else {}
        self._stores: dict[str, dict[str, Any]] = state["stores"] if fits else {}

    def know(self, kinds: Iterable[str]) -> None:
        """Note the names of all kinds of figures that there are."""
        self._every = list(kinds)

    def forget(self, kinds: Iterable[str]) -> None:
        """Count no figure of these kinds as drawn."""
        for known in self._stores.values():
            for kind in kinds:
                known["kinds"].pop(kind, None)

    def kept(self, kinds: Sequence[str]) -> int | None:
        """Return the number of figures of these kinds, or of all kinds if none is named, if all are up to date.

        Notes about what could not be drawn are repeated. The result is None if something is to be drawn.
        """
        kinds = kinds or self._every
        if not kinds or not all(self.is_kept(kind, store) for store in self._places for kind in kinds):
            return None
        count = 0
        for store in self._places:
            known = self._stores[store]
            figures = [figure for kind in kinds for figure in known["kinds"][kind]["figures"].values()]
            for line in [*known["said"], *(line for figure in figures for line in figure["said"])]:
                note(line)
            count += sum(bool(figure["files"]) for figure in figures)
        return count

    def is_kept(self, kind: str, store: str) -> bool:
        """Return whether all figures of a kind from a store are up to date."""
        known = self._stores.get(store, {}).get("kinds", {}).get(kind)
        return (
            known is not None
            and known["facts"] == self._kind_facts(kind, store)
            and all(self._exist(store, each) for each in known["figures"].values())
        )

    def begin(self, kind: str, store: str, experiments: Sequence[str], said: Sequence[str]) -> dict[str, Any]:
        """Begin to draw a kind of figure of these experiments; return what is up to date of it, by its facts.

        `said` are the notes about runs of the store that no figure can show.
        """
        known = self._stores.setdefault(store, {"said": [], "kinds": {}})
        known["said"] = list(said)
        self._kinds[kind] = list(experiments)
        before = known["kinds"].get(kind, {"figures": {}})["figures"]
        known["kinds"][kind] = {"facts": None, "figures": {}}
        return {facts: figure for facts, figure in before.items() if self._exist(store, figure)}

    def add(self, kind: str, store: str, facts: str, files: Iterable[Path], said: Sequence[str]) -> None:
        """Note the files of a figure with the facts of its subject; a subject with nothing to show has no files."""
        drawn = {path.name: file_facts(path) for path in files}
        self.keep(kind, store, facts, {"files": drawn, "said": list(said)})
        self._save()

    def keep(self, kind: str, store: str, facts: str, figure: Mapping[str, Any]) -> None:
        """Note that a figure is as it was."""
        self._stores[store]["kinds"][kind]["figures"][facts] = dict(figure)

    def end(self, kind: str, store: str) -> None:
        """Note that all figures of the kind have been drawn."""
        self._stores[store]["kinds"][kind]["facts"] = self._kind_facts(kind, store)
        self._save()

    def facts_of_runs(self, store: str, runs: Iterable[Path], *more: object) -> str:
        """Return the facts of these runs of a store, and of whatever else a figure shows."""
        facts = self._facts[store]
        return _digest([*(facts[path.parent.name][path.name] for path in runs), *map(str, more)])

    def _kind_facts(self, kind: str, store: str) -> str:
        """Return the facts of all runs of a kind's experiments; a kind of no experiment shows a file of the store."""
        experiments = self._kinds.get(kind, [])
        shown = {name: self._facts[store].get(name, {}) for name in experiments} or self._facts[store].get("", {})
        return _digest([json.dumps(shown, sort_keys=True)])

    def _exist(self, store: str, figure: Mapping[str, Any]) -> bool:
        return all(file_facts(self._places[store].plots / name) == facts for name, facts in figure["files"].items())

    def _save(self) -> None:
        if not self._path.parent.exists():
            return  # nothing has been drawn
        state = {**self._for, "every": self._every, "kinds": self._kinds, "stores": self._stores}
        text = json.dumps({"digest": _digest_of(state), **state}, indent=1)
        write_atomically(self._path, lambda temporary: temporary.write_text(text, encoding="utf-8"))


def record_facts(store: Path) -> dict[str, dict[str, str]]:
    """Return the facts of each finished run by experiment and id, and under "" those of the files of the store itself.

    The facts of a run are the content of its run.json, and size and time of its record.
    """
    found: dict[str, dict[str, str]] = {}
    for path in sorted(store.glob("*/*/run.json")):
        try:
            manifest = path.read_bytes()
        except OSError:
            continue  # what draws the figures names a run that cannot be read
        if FINISHED in manifest:
            folder = path.parent
            found.setdefault(folder.parent.name, {})[folder.name] = _digest(
                [hashlib.sha256(manifest).hexdigest(), file_facts(folder / "metrics.parquet")]
            )
    found[""] = {path.name: file_facts(path) for path in sorted(store.glob("*")) if path.is_file()}
    return found


def file_facts(path: Path) -> str:
    """Return size and time of a file, or an empty text if there is none."""
    try:
        stat = path.stat()
    except OSError:
        return ""
    return f"{stat.st_size} {stat.st_mtime_ns}"


def code_facts(experiments: Iterable[str]) -> str:
    """Return what decides how figures look: the code, the libraries that draw, and the registered experiments."""
    package = Path(__file__).parents[1]
    sources = [path for part in CODE for path in _sources(package / part)]
    return _digest(
        [
            *experiments,
            *(hashlib.sha256(path.read_bytes()).hexdigest() for path in sources),
            *(_version(library) for library in LIBRARIES),
        ]
    )


def _sources(path: Path) -> Iterator[Path]:
    yield from sorted(path.rglob("*.py")) if path.is_dir() else [path]


def _version(library: str) -> str:
    try:
        return version(library)
    except PackageNotFoundError:
        return ""


def _digest(parts: Iterable[str]) -> str:
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:32]


def _read(path: Path) -> dict[str, Any]:
    """Return the state in a file; a file that cannot be read, or that was changed, counts as one without figures."""
    try:
        state = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    whole = isinstance(state, dict) and state.pop("digest", None) == _digest_of(state)
    return state if whole else {}


def _digest_of(state: Mapping[str, Any]) -> str:
    return _digest([json.dumps(state, sort_keys=True)])
