"""The reports show every part, and a target only with what a GPU has measured at the full sizes."""

import json

import pytest

from grok.bench.targets import NOT_MEASURED
from grok.gpu.journal import DONE, FAILED, Outcome
from grok.gpu.parts import PARTS
from grok.gpu.report import tables, write
from grok.gpu.sizes import FULL, SMALL

FULL_SIZE = {"device": "cuda", "sizes": FULL.json()}


def outcome(title, *rows, state=DONE, message="", machine="an H200"):
    made = [{"plain": {n: c[0] for n, c in row.items()}, "text": {n: c[1] for n, c in row.items()}} for row in rows]
    return Outcome(tables={title: made}, state=state, message=message, seconds=41.6, budget=60.0, machine=machine)


def stacks(members, rate):
    return {"p": (113, "113"), "members": (members, str(members)), "member-steps a second": (rate, f"{rate:,.0f}")}


OUTCOMES = {
    "step": outcome("a step", {"figure": ("steps a second", "steps a second"), "measured": (6000.2, "6,000")}),
    "stack": outcome(
        "stacks", stacks(8, 9000.0), stacks(64, 12345.6), state=FAILED, message="OutOfMemoryError: 256 members"
    ),
}


def targets(settings, outcomes=OUTCOMES):
    _, found, *_ = tables(PARTS, outcomes, settings)
    return {row["figure"]: row["measured"] for row in found.rows}


def test_every_part_has_a_line_also_one_that_failed_or_has_not_begun():
    of_parts = tables(PARTS, OUTCOMES, FULL_SIZE)[0]
    lines = {row["part"]: row for row in of_parts.rows}
    assert list(lines) == [part.name for part in PARTS]
    assert lines["stack"]["result"] == "OutOfMemoryError: 256 members"
    assert lines["stack"]["time"] == "42 of 60 s"
    assert (lines["images"]["state"], lines["images"]["time"]) == ("not begun", "")


def test_a_target_stands_beside_what_was_measured():
    assert targets(FULL_SIZE) == {
        "store, recorder, mirror: added time": NOT_MEASURED,
        "GPU: steps a second, one run": "6,000",
        "GPU: all pairings at every step, added time": NOT_MEASURED,
        "GPU: member-steps a second, stack of 64, float32": "12,346",
    }


@pytest.mark.parametrize(
    "settings", [{"device": "cpu", "sizes": SMALL.json()}, {"device": "cuda", "sizes": SMALL.json()}]
)
def test_a_rehearsal_is_not_compared_with_the_targets(settings):
    assert set(targets(settings).values()) == {NOT_MEASURED}


def test_a_stack_that_was_not_reached_is_not_measured():
    part = {"stack": outcome("stacks", stacks(8, 9000.0))}
    assert targets(FULL_SIZE, part)["GPU: member-steps a second, stack of 64, float32"] == NOT_MEASURED


def test_reports_are_for_readers_and_for_programs(tmp_path):
    machine = outcome("the machine", {"property": ("device", "device"), "value": ("NVIDIA H200", "NVIDIA H200")})
    text = write(tmp_path, PARTS, OUTCOMES | {"machine": machine}, FULL_SIZE)
    assert (tmp_path / "report.md").read_text() == text
    assert text.startswith("an H200\n\nthe parts:\n")
    assert "| 113 | 64 | 12,346 |" in text
    document = json.loads((tmp_path / "report.json").read_text())
    assert document["machine"] == {"device": "NVIDIA H200"}
    assert document["machines"] == {"an H200": ["step", "stack"]}
    (table,) = document["sections"]["stack"]
    assert table["rows"][1] == {"p": 113, "members": 64, "member-steps a second": 12345.6}
    assert document["targets"][1]["measured"] == "6,000"


def test_parts_that_ran_on_different_machines_are_told_apart(tmp_path):
    other = outcome("a step", {"figure": ("steps a second", ""), "measured": (1.0, "1")}, machine="an H100")
    assert write(tmp_path, PARTS, OUTCOMES | {"step": other}, FULL_SIZE).startswith(
        "step: an H100\n\nstack: an H200\n\n"
    )
