"""A note is printed once in a command, and again in the next command."""

from grok.tracking.notes import each_once, listening, note


def test_each_line_is_printed_once_while_that_is_asked_for_and_anew_after_it(capsys):
    for _ in range(2):
        with each_once():
            for line in ("a left out", "b left out", "a left out"):
                note(line)
        assert capsys.readouterr().err == "grok: a left out\ngrok: b left out\n"
    for _ in range(2):
        note("a left out")
    assert capsys.readouterr().err == "grok: a left out\n" * 2


def test_lines_are_heard_although_they_were_printed_before(capsys):
    with each_once():
        note("a left out")
        with listening() as lines:
            note("a left out")
            note("b left out")
        note("c left out")
    assert lines == ["a left out", "b left out"]
    assert capsys.readouterr().err == "grok: a left out\ngrok: b left out\ngrok: c left out\n"
