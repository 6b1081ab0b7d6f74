"""What a finished run came to, as run.json keeps it."""

import math
from collections.abc import Mapping
from typing import Any

import pandas as pd

from grok.analysis.events import EVENT_COLUMNS, events
from grok.analysis.twins import trainings
from grok.tracking import Run
from grok.tracking.record import TWIN


def summarise(run: Run) -> dict[str, Any]:
    """Its `events`, and `last`: every number of the last row of its record; nothing if it has no record.

    Of norm-matched twins these are of the training with the term, and under `twin` are those of the twin, in steps of
    its own.
    """
    last = run.last_row()
    if not last:
        return {}
    if TWIN not in run.columns():
        return _outcome(run.read_table(EVENT_COLUMNS).to_pandas(), last)
    first, twin = (_outcome(part, part.tail(1).to_dict("records")[0]) for part in trainings(run.metrics()))
    return {**first, "twin": twin}


def _outcome(metrics: pd.DataFrame, last: Mapping[Any, Any]) -> dict[str, Any]:
    numbers = {name: value for name, value in last.items() if math.isfinite(value)}
    return {"events": events(metrics), "last": numbers}
