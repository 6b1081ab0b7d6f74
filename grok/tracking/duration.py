"""Lengths of time in words, for progress lines and reports."""


def duration_in_words(seconds: float) -> str:
    """Return a length of time in words, in hours and minutes, or in seconds if it is short.

    >>> duration_in_words(45.2), duration_in_words(179.0), duration_in_words(10_620.0), duration_in_words(47_356.0)
    ('45 s', '3 min', '2 h 57 min', '13 h 9 min')
    """
    if round(seconds) < 60:
        return f"{round(seconds)} s"
    hours, minutes = divmod(round(seconds / 60), 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min"
