"""A part stops between two measurements once its budget is used up."""

import pytest

from grok.gpu.job import OutOfTimeError
from tests.gpu.helpers import tiny_job


def test_a_part_says_what_it_does_and_stops_before_what_it_has_no_time_for(tmp_path):
    said = []
    job = tiny_job(tmp_path, said=said, stopped=lambda: len(said) == 2)
    items = job.each({"first": 1, "second": 2, "third": 3})
    assert [next(items), next(items)] == [("first", 1), ("second", 2)]
    with pytest.raises(OutOfTimeError, match=r"^not reached: third$"):
        next(items)
    assert said == ["first", "second"]
