"""The result of a run of pruning, in words."""

from grok.analysis.phases import FINE_TUNED, SPARSITY, pruning_stages
from grok.analysis.report import cell, read
from grok.columns import RATIOS, TEST_ACCURACY, interplay
from grok.tracking import Run


def outcome(run: Run) -> list[str]:
    """Return a line per sparsity with the accuracy, MIR and HDR of the fine-tuned network."""
    ratios = [interplay(pairing, "test", ratio) for pairing in ("before-after", "sample") for ratio in RATIOS]
    metrics = read(run, [SPARSITY, TEST_ACCURACY, *ratios])
    config = run.manifest()["config"]
    stages = pruning_stages(
        metrics,
        steps=config["steps"],
        fine_tune_steps=config["fine_tune_steps"],
        sparsities=len(config["sparsities"]),
    )
    tuned = stages[stages["stage"] == FINE_TUNED].reindex(columns=[SPARSITY, TEST_ACCURACY, *ratios])
    if tuned.empty:
        return [f"The record has no fine-tuned network: it lacks {SPARSITY} at the end of any fine-tuning."]
    lines = [
        "Fine-tuned at each sparsity, test split:",
        f"{'sparsity':<10}{'accuracy':>10}{'before-after MIR':>19}{'HDR':>8}{'sample MIR':>13}{'HDR':>8}",
    ]
    for sparsity, accuracy, *values in tuned.itertuples(index=False):
        cells = "".join(f"{cell(value, '.3f'):>{width}}" for value, width in zip(values, (19, 8, 13, 8), strict=True))
        lines.append(f"{sparsity:<10.3g}{cell(accuracy, '.1%'):>10}{cells}")
    return lines
