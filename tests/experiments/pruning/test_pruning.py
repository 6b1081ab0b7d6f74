"""A run of pruning is described by its network at each sparsity."""

import numpy as np

from grok.config import PruningConfig
from grok.experiment import experiment
from grok.report import describe
from grok.tracking import Store
from grok.tracking.export import export_run
from tests.experiments.helpers import outcome_of
from tests.figures.helpers import add_run, by_place, constant

PRUNED = PruningConfig(steps=20, fine_tune_steps=2, sparsities=(0.0, 0.5, 0.95))
STAGES = {
    "pruning/sparsity": by_place(20, np.repeat(PRUNED.sparsities, 3)),
    "test/accuracy": by_place(20, [0.9, 0.8, 0.95, 0.5, 0.8, 0.85, 0.1, 0.3, 0.6], before=0.2),
    "interplay/before-after/test/mir": by_place(20, [0.5, 0.1, 0.54, 0.4, 0.1, 0.53, 0.3, 0.1, 0.46], before=np.nan),
    "interplay/sample/test/hdr": by_place(20, [0.1, 0.2, 0.11, 0.1, 0.2, 0.15, 0.1, 0.2, 0.19]),
}


def add_pruned(root, columns):
    return add_run(Store(root), columns, config=PRUNED, steps=28, every=1, experiment="pruning")


def test_pruning_is_described_by_a_line_a_sparsity_of_the_fine_tuned_network(tmp_path):
    run = add_pruned(tmp_path, STAGES)
    assert outcome_of(run) == [
        ["sparsity", "accuracy", "before-after", "MIR", "HDR", "sample", "MIR", "HDR"],
        ["0", "95.0%", "0.540", "-", "-", "0.110"],
        ["0.5", "85.0%", "0.530", "-", "-", "0.150"],
        ["0.95", "60.0%", "0.460", "-", "-", "0.190"],
    ]
    copy, _ = export_run(run, tmp_path / "small", rows=1, phase_columns=experiment("pruning").phase_columns)
    assert outcome_of(copy) == outcome_of(run)


def test_a_record_of_pruning_without_sparsities_says_so(tmp_path):
    run = add_pruned(tmp_path, {"test/accuracy": constant(0.5)})
    line = "The record has no fine-tuned network: it lacks pruning/sparsity at the end of any fine-tuning."
    assert describe(run).splitlines()[-1] == line
