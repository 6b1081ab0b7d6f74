"""How the time of the whole command is divided among its parts."""

from collections.abc import Sequence

RESERVE = 0.02  # fraction of the whole time for the tables at the end
GRACE = 5.0  # largest number of seconds from the request to stop until a part is killed


def budget_of(first: int, others: Sequence[int], left: float) -> float:
    """Return the seconds for the next part, whose share is `first`, if `others` follow and `left` seconds remain.

    Time that a part does not use goes to those after it, in proportion to their shares.

    >>> budget_of(60, [60, 180], 300.0), budget_of(60, [180], 290.0)
    (60.0, 72.5)
    """
    return max(left, 0.0) * first / (first + sum(others))


def grace_of(budget: float) -> float:
    """Return the seconds of a budget that a part has for ending cleanly; after that it is killed.

    >>> grace_of(60.0), grace_of(5.0)
    (5.0, 1.0)
    """
    return min(GRACE, budget / 5)
