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

    def look_every(self, block: int) -> int:
        """At most `block` steps, and few enough that the end cannot be passed unseen."""
        return block if self._settle is None else min(block, self._settle)

    def update(self, step: int, row: dict[str, float]) -> None:
        """Take in a recorded row."""
        accuracy = row.get("test/accuracy")
        if accuracy is None:
            return
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
