"""The journal keeps every whole line, whatever a kill has done to the last one."""

import pytest

from grok.gpu.journal import DONE, FAILED, INTERRUPTED, Journal, JournalError

SETTINGS = {"device": "cpu", "sizes": {"members": (1, 2)}}


def row(n, text=None):
    return {"part": "stack", "title": "stacks", "plain": {"n": n}, "text": {"n": text or str(n)}}


@pytest.fixture
def journal(tmp_path):
    journal = Journal(tmp_path / "results.jsonl")
    journal.begin(SETTINGS)
    return journal


def end(state, message=""):
    return {"part": "stack", "state": state, "message": message, "seconds": 3.0, "budget": 10.0}


def test_a_part_has_its_rows_its_end_and_its_machine(journal):
    journal.add(part="stack", begun="a machine")
    journal.add(**row(1, "one"))
    journal.add(**row(2))
    assert journal.outcomes()["stack"].state == INTERRUPTED
    journal.add(**end(DONE, "two rows"))
    outcome = journal.outcomes()["stack"]
    assert (outcome.state, outcome.message, outcome.seconds, outcome.budget) == (DONE, "two rows", 3.0, 10.0)
    assert outcome.machine == "a machine"
    assert outcome.tables == {
        "stacks": [{"plain": {"n": 1}, "text": {"n": "one"}}, {"plain": {"n": 2}, "text": {"n": "2"}}]
    }


@pytest.mark.parametrize("cut", range(1, 60, 7))
def test_a_torn_last_line_is_skipped_and_what_follows_is_whole(journal, cut):
    journal.add(part="stack", begun="")
    journal.add(**row(1))
    whole = journal.path.read_bytes()
    journal.add(**row(2))
    journal.path.write_bytes(journal.path.read_bytes()[: len(whole) + cut])
    assert [each["plain"]["n"] for each in journal.outcomes()["stack"].tables["stacks"]] == [1]
    journal.add(**row(3))
    assert [each["plain"]["n"] for each in journal.outcomes()["stack"].tables["stacks"]] == [1, 3]
    journal.begin(SETTINGS)


def test_a_torn_first_line_is_written_again(tmp_path):
    journal = Journal(tmp_path / "results.jsonl")
    journal.path.write_text('{"format": 1, "dev')
    journal.begin(SETTINGS)
    assert journal.lines() == [{"format": 1, "device": "cpu", "sizes": {"members": [1, 2]}}]


def test_a_second_try_replaces_the_rows_of_the_first_once_it_has_some(journal):
    for state, numbers in ((FAILED, [1, 2]), (FAILED, []), (DONE, [7])):
        journal.add(part="stack", begun="")
        for n in numbers:
            journal.add(**row(n))
        journal.add(**end(state))
        measured = [each["plain"]["n"] for each in journal.outcomes()["stack"].tables["stacks"]]
        assert measured == ([7] if state == DONE else [1, 2])


def test_results_with_other_settings_are_not_continued(journal):
    journal.begin(SETTINGS)
    with pytest.raises(JournalError, match=r"has results with another device: choose another --out, or begin anew"):
        journal.begin(SETTINGS | {"device": "cuda"})
    journal.path.write_text(journal.path.read_text().replace('"format": 1', '"format": 0'))
    with pytest.raises(JournalError, match="has results with another format"):
        journal.begin(SETTINGS)


@pytest.mark.parametrize(
    "line",
    [
        '{"part": "tests", "state": "done", "message": "", "seconds": 1, "budget": 2}',
        '{"part": ["tests"], "begun": ""}',
        '{"part": "stack", "state": "done", "message": "", "seconds": "1", "budget": 2}',
        '{"part": "stack", "title": "stacks", "plain": [], "text": 3}',
        "[" * 100_000,
        "null",
    ],
)
def test_lines_of_another_form_change_nothing_of_the_rest(journal, line):
    journal.add(part="stack", begun="a machine")
    journal.add(**row(1))
    with journal.path.open("a") as file:
        file.write(f"{line}\n")
    journal.add(**row(2))
    journal.begin(SETTINGS)
    assert [each["plain"]["n"] for each in journal.outcomes()["stack"].tables["stacks"]] == [1, 2]


def test_a_journal_without_its_settings_says_so(journal):
    journal.add(part="stack", begun="")
    journal.path.write_text("".join(journal.path.read_text().splitlines(keepends=True)[1:]))
    with pytest.raises(JournalError, match="has lost the line with its settings"):
        journal.begin(SETTINGS)
