"""A record of two trainings, one after the other, as the record of each."""

import pandas as pd

from grok.tracking.record import TWIN


def trainings(metrics: pd.DataFrame) -> list[pd.DataFrame]:
    """The rows of each training, with the steps counted from its beginning; one part if there is no twin.

    `metrics` has a column `step`, and `TWIN` where that was measured: at the first step of each training and later.

    >>> record = pd.DataFrame({"step": [0, 5, 10, 15], TWIN: [0.0, None, 1.0, None]})
    >>> [part["step"].tolist() for part in trainings(record)]
    [[0, 5], [0, 5]]
    """
    twins = metrics.loc[metrics[TWIN] == 1, "step"] if TWIN in metrics else metrics["step"].iloc[:0]
    if twins.empty:
        return [metrics]
    first = int(twins.iloc[0])
    before = metrics["step"] < first
    return [metrics[before], metrics[~before].assign(step=metrics.loc[~before, "step"] - first)]
