"""A pruned network at each sparsity: straight after pruning, and fine-tuned."""

import pandas as pd

from grok.tracking.record import SPARSITY

PRUNED, FINE_TUNED = "pruned", "fine-tuned"


def pruning_stages(metrics: pd.DataFrame, *, steps: int, fine_tune_steps: int, sparsities: int) -> pd.DataFrame:
    """The rows of a record that measure a network just pruned or fully fine-tuned, with their `stage`.

    `metrics` is indexed by step: a training of so many `steps`, then for each of so many `sparsities` a row straight
    after pruning and `fine_tune_steps` more. First come those just pruned, then those fine-tuned; none where no
    sparsity was measured.
    """
    first = steps + (fine_tune_steps + 1) * pd.RangeIndex(sparsities)
    measured = metrics.dropna(subset=[SPARSITY]) if SPARSITY in metrics else metrics.iloc[:0]
    stages = {PRUNED: first, FINE_TUNED: first + fine_tune_steps}
    return pd.concat([measured[measured.index.isin(at)].assign(stage=stage) for stage, at in stages.items()])
