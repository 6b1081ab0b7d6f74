"""The tables at the end, for readers in `report.md` and for programs in `report.json`."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from grok.bench.measure import Row, Table
from grok.bench.targets import NOT_MEASURED, TARGETS
from grok.gpu.journal import NOT_BEGUN, Outcome
from grok.gpu.parts import MACHINE, PARTS, Part
from grok.gpu.sizes import FULL
from grok.tracking.files import write_atomically


def tables(parts: Sequence[Part], outcomes: Mapping[str, Outcome], settings: Mapping[str, Any]) -> list[Table]:
    """Return how the parts ended, the targets of a GPU beside their measurements, and what each part measured."""
    measured = [table for part in parts for table in measured_tables(outcomes.get(part.name, Outcome()))]
    return [_of_parts(parts, outcomes), _of_targets(outcomes, settings), *measured]


def measured_tables(outcome: Outcome) -> list[Table]:
    """Return the tables of a part, in which whole numbers are numbers and all other cells are text."""
    made = []
    for title, rows in outcome.tables.items():
        cells: list[Row] = [
            {name: plain if isinstance(plain, int) else row["text"][name] for name, plain in row["plain"].items()}
            for row in rows
        ]
        made.append(Table(title, cells))
    return made


def _of_parts(parts: Sequence[Part], outcomes: Mapping[str, Outcome]) -> Table:
    rows: list[Row] = []
    for part in parts:
        outcome = outcomes.get(part.name, Outcome())
        used = "" if outcome.state == NOT_BEGUN else f"{outcome.seconds:.0f} of {outcome.budget:.0f} s"
        rows.append(
            {"part": part.name, "what": part.what, "state": outcome.state, "time": used, "result": outcome.message}
        )
    return Table("the parts", rows)


def _of_targets(outcomes: Mapping[str, Outcome], settings: Mapping[str, Any]) -> Table:
    """Return the targets that a part measures. Only a GPU at the full sizes is compared with them."""
    comparable = settings["device"] == "cuda" and settings["sizes"] == FULL.json()
    rows: list[Row] = []
    for target in TARGETS:
        if target.device != "cpu" and target.section in [part.name for part in PARTS]:
            found = NOT_MEASURED
            for table in measured_tables(outcomes.get(target.section, Outcome())) if comparable else ():
                try:
                    found = target.find(table)
                except (KeyError, StopIteration):  # another table of this part, or a row that was not reached
                    continue
            rows.append({"figure": target.figure, "target": target.target, "measured": found})
    return Table("the targets of a GPU", rows)


def machines(outcomes: Mapping[str, Outcome]) -> dict[str, list[str]]:
    """Return the names of the parts that have measured something on each machine."""
    found: dict[str, list[str]] = {}
    for name, outcome in outcomes.items():
        if name != MACHINE.name and outcome.tables:
            found.setdefault(outcome.machine, []).append(name)
    return found


def write(out: Path, parts: Sequence[Part], outcomes: Mapping[str, Outcome], settings: Mapping[str, Any]) -> str:
    """Write both reports, and return the one for readers."""
    made = tables(parts, outcomes, settings)
    on = machines(outcomes)
    where = [machine if len(on) == 1 else f"{', '.join(names)}: {machine}" for machine, names in on.items()]
    text = "\n\n".join([*where, *(table.markdown() for table in made)]) + "\n"
    properties = measured_rows(outcomes.get(MACHINE.name, Outcome()))
    document = {
        "machine": {row["property"]: row["value"] for row in properties},
        "machines": on,
        "settings": dict(settings),
        "parts": made[0].json()["rows"],
        "targets": made[1].json()["rows"],
        "sections": {
            part.name: [
                {"title": title, "rows": [row["plain"] for row in rows]}
                for title, rows in outcomes[part.name].tables.items()
            ]
            for part in parts
            if part.name in outcomes
        },
    }
    write_atomically(out / "report.md", lambda temporary: temporary.write_text(text))
    write_atomically(out / "report.json", lambda temporary: temporary.write_text(json.dumps(document, indent=2) + "\n"))
    return text


def measured_rows(outcome: Outcome) -> list[dict[str, Any]]:
    """Return the rows of all tables of a part, with plain cells."""
    return [row["plain"] for rows in outcome.tables.values() for row in rows]
