"""A TOML text is values with lines; one that is no TOML is refused with the line."""

from pathlib import Path

import pytest

from grok.sweep.document import Document, SweepFileError

REFUSALS = {
    "TOML that is none": ("a = \n", "1: Invalid value at column 5: mend the TOML"),
    "TOML that ends too early": ("a = [1,\n", "1: Invalid value at column 8: mend the TOML"),
    "a key twice": ("a = 1\na = 2\n", "2: Cannot overwrite a value at column 6: mend the TOML"),
}


@pytest.mark.parametrize(("text", "line"), REFUSALS.values(), ids=REFUSALS)
def test_what_is_no_toml_is_refused_with_its_line(text, line):
    with pytest.raises(SweepFileError) as caught:
        Document.parse(Path("my.toml"), text)
    assert str(caught.value) == f"my.toml:{line}"


def test_a_value_and_its_line_are_found_by_its_path():
    document = Document.parse(Path("my.toml"), 'a = 1\n[[block]]\n[[block]]\nbase.name = "x"\n')
    where = ("block", 1, "base", "name")
    assert (document.get(where), document.text(where, "a text"), document.line(where)) == ("x", "x", 4)
    assert document.get(("block", 0, "base", "name")) is None
    with pytest.raises(SweepFileError, match=r"^my.toml:4: name: expected one of y, got 'x'"):
        document.chosen(where, "x", {"y": 1})
