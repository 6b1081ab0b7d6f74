"""A step with an information term is timed beside the same step without one."""

from grok.bench import information_terms
from tests.helpers import CPU


def test_every_term_has_a_row_beside_the_step_without(monkeypatch):
    monkeypatch.setattr(information_terms, "REPEATS", 1)
    monkeypatch.setattr(information_terms, "STEPS", {"cpu": 1})
    rows = information_terms.objectives(CPU, lambda _: None).rows
    assert [row["training"] for row in rows[::5]] == list(information_terms.TRAININGS)
    for first in range(0, len(rows), 5):
        alike = rows[first : first + 5]
        assert [row["term"] for row in alike] == ["none", "mutual_information", "entropy_difference", "mir", "hdr"]
        for row in alike:
            assert row["with / without"].value == row["step"].median / alike[0]["step"].median
