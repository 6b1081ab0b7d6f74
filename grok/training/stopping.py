"""When a run has seen enough."""

GROKKED = 0.99


class Settle:
    """Ends a run `settle` steps after test accuracy has reached 99 % and stayed there, or at `steps`.

    A measurement below 99 % starts the count anew. It knows only recorded rows, so a resumed run ends where the
    uninterrupted one does.
    """

    def __init__(self, *, steps: int, settle: int | None) -> None:
        self._steps = steps
        self._settle = settle
        self._grokked_at: int | None = None

    def look_every(self, block: int, *, delay: int = 1) -> int:
        """At most `block` steps, and few enough that the end cannot be passed unseen in `delay` times as many."""
        return block if self._settle is None else max(1, min(block, self._settle // delay))

    def allows(self, delay: int) -> bool:
        """Whether there is a number of steps that `look_every` can give."""
        return self._settle is None or self._settle >= delay

    def update(self, step: int, accuracy: float) -> None:
        """Take in a test accuracy, in the order of the steps."""
        if accuracy < GROKKED:
            self._grokked_at = None
        elif self._grokked_at is None:
            self._grokked_at = step

    @property
    def last_step(self) -> int:
        """The step to end at, as far as is known now."""
        if self._settle is None or self._grokked_at is None:
            return self._steps
        return min(self._steps, self._grokked_at + self._settle)
