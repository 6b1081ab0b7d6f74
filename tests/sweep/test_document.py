"""A TOML document gives values and their lines; other text is rejected with the message of tomllib."""

import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grok.sweep.document import Document, SweepFileError

VALUES = (
    "1",
    '"x # [no] = 1"',
    "'n = 5'",
    '"\\" # v = 8"',
    "{task = {modulus = 11}}",
    '"""\nc = 1\n[no]\n"""',
    "'''j = 4\n\n# k'''",
    '[\n  # e = 2\n  "]",\n  {f = 3},\n]  # [[no]]',
    "[]",
)


class Writer:
    """Writes a TOML text statement by statement, and keeps the line of each path that a statement sets."""

    def __init__(self):
        self.text, self.lines, self.table, self.elements = "", {}, (), 0

    def write(self, statement, path=None):
        if path is not None:
            self.lines.setdefault(path, self.text.count("\n") + 1)
        self.text += f"{statement}\n"

    def set_value(self, key, value):
        bare, dotted = f"k{len(self.text)}", f"k{len(self.text)}.a b.c"
        written = {"bare": bare, "quoted": f'"{dotted}"', "dotted": f'{bare} . "a b".c'}[key]
        path = {"bare": (bare,), "quoted": (dotted,), "dotted": (bare, "a b", "c")}[key]
        self.write(f"{written} = {value}", (*self.table, *path))

    def begin_table(self, within):
        name = f"t{len(self.text)}"
        where = ("rows", self.elements - 1) if within and self.elements else ()
        self.table = (*where, name)
        self.write(f"[{'rows.' if where else ''}{name}]  # a comment", self.table)

    def begin_row(self):
        self.table = ("rows", self.elements)
        self.elements += 1
        self.write("[[rows]]", self.table)


STATEMENTS = st.lists(
    st.one_of(
        st.tuples(st.just("write"), st.sampled_from(["", "# a = 1", "  "])),
        st.tuples(st.just("set_value"), st.sampled_from(["bare", "quoted", "dotted"]), st.sampled_from(VALUES)),
        st.tuples(st.just("begin_table"), st.booleans()),
        st.tuples(st.just("begin_row")),
    ),
    max_size=30,
)


@given(STATEMENTS)
def test_the_line_of_a_path_is_where_the_statement_begins_that_sets_it(statements):
    writer = Writer()
    for method, *arguments in statements:
        getattr(writer, method)(*arguments)
    document = Document.parse(Path("my.toml"), writer.text)
    assert {path: document.line(path) for path in writer.lines} == writer.lines


def test_a_path_that_a_statement_does_not_name_has_the_line_of_what_holds_it():
    text = "# first\nbase = {task = {modulus = 11}}\n[axes]\ntask.modulus = [3]\n"
    document = Document.parse(Path("my.toml"), text)
    lines = {
        ("base", "task", "modulus"): 2,
        ("base", "steps"): 2,
        ("axes", "task"): 4,
        ("axes", "task", "modulus", 0): 4,
        ("axes", "task", "modulus", "x"): 4,
        ("nowhere",): 1,
        (): 1,
    }
    assert {path: document.line(path) for path in lines} == lines


@pytest.mark.parametrize("text", ["a = \n", "a = [1,\n", "a = 1\na = 2\n"])
def test_a_text_that_is_not_toml_is_rejected_in_tomllibs_words(text):
    with pytest.raises(tomllib.TOMLDecodeError) as told:
        tomllib.loads(text)
    with pytest.raises(SweepFileError) as caught:
        Document.parse(Path("my.toml"), text)
    assert str(caught.value) == f"my.toml is not TOML: {told.value}"


def test_a_value_and_its_line_are_found_by_its_path():
    document = Document.parse(Path("my.toml"), 'a = 1\n[[block]]\n[[block]]\nbase.name = "x"\n')
    where = ("block", 1, "base", "name")
    assert (document.get(where), document.text_at(where, "a text"), document.line(where)) == ("x", "x", 4)
    assert document.get(("block", 0, "base", "name")) is None
    with pytest.raises(SweepFileError, match=r"^my.toml:4: name: expected one of y, got 'x'"):
        document.chosen(where, "x", {"y": 1})
