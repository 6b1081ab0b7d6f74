"""A length of time is said in seconds, minutes, or hours and minutes."""

import pytest

from grok.tracking.duration import duration_in_words


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        (0.0, "0 s"),
        (0.6, "1 s"),
        (59.4, "59 s"),
        (59.6, "1 min"),
        (89.0, "1 min"),
        (3569.0, "59 min"),
        (3571.0, "1 h 0 min"),
        (789 * 60.0 + 16, "13 h 9 min"),
    ],
)
def test_a_length_of_time_in_words(seconds, expected):
    assert duration_in_words(seconds) == expected
