"""Of a record of pruning, the rows straight after pruning and those fully fine-tuned are told from all others."""

import numpy as np
import pandas as pd

from grok.analysis.pruning import pruning_stages

SHAPE = {"steps": 10, "fine_tune_steps": 3, "sparsities": 2}
METRICS = pd.DataFrame({"pruning/sparsity": np.repeat([0.0, 0.5, 0.9], [10, 4, 4])}, index=pd.RangeIndex(18))


def test_the_first_row_of_a_sparsity_is_pruned_and_its_last_is_fine_tuned():
    stages = pruning_stages(METRICS, **SHAPE)
    assert stages.index.tolist() == [10, 14, 13, 17]
    assert stages["stage"].tolist() == ["pruned", "pruned", "fine-tuned", "fine-tuned"]
    assert stages["pruning/sparsity"].tolist() == [0.5, 0.9, 0.5, 0.9]


def test_rows_that_are_not_there_or_have_no_sparsity_are_left_out():
    few = METRICS.loc[[3, 11, 13, 14]].assign(**{"pruning/sparsity": [0.0, 0.5, np.nan, 0.9]})
    assert pruning_stages(few, **SHAPE)["stage"].to_dict() == {14: "pruned"}
    assert pruning_stages(METRICS.rename(columns=str.upper), **SHAPE).empty
