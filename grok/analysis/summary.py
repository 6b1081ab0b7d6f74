"""Summary of a finished run, which run.json keeps."""

import math
from collections.abc import Mapping
from typing import Any

import pandas as pd

from grok.analysis.events import EVENT_COLUMNS, events
from grok.tracking import Run


def summary_of(run: Run) -> dict[str, Any]:
    """Return the `events` of a run, and `last` with every number of the last row of its record.

    The summary is empty if there is no record.
    """
    last = run.last_row()
    return events_and_last(run.read_table(EVENT_COLUMNS).to_pandas(), last) if last else {}


def events_and_last(metrics: pd.DataFrame, last: Mapping[Any, Any]) -> dict[str, Any]:
    """Return the summary of a training from its record, which has a column `step`, and the last row of the record."""
    numbers = {name: value for name, value in last.items() if math.isfinite(value)}
    return {"events": events(metrics), "last": numbers}
