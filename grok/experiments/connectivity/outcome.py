"""The result of a run of linear mode connectivity, in words."""

from grok.analysis.phases import OMEGA, RECOMPUTED, STATISTICS, at_omega, barrier_of_test_loss, networks_between
from grok.analysis.report import cell, read
from grok.columns import TEST_ACCURACY, TEST_LOSS
from grok.tracking import Run


def outcome(run: Run) -> list[str]:
    """Return lines with the loss barrier and the accuracy at omega 0 and 0.5, for both kinds of batch statistics."""
    metrics = read(run, [OMEGA, RECOMPUTED, TEST_LOSS, TEST_ACCURACY])
    between = networks_between(metrics, steps=run.manifest()["config"]["steps"])
    if between.empty:
        return [f"The record has no network between the two: it lacks {OMEGA} or {RECOMPUTED} after their training."]
    lines = [
        "Between the two networks, test split:",
        f"{'statistics':<14}{'networks':>10}{'loss barrier':>20}{'accuracy at omega 0':>22}{'at omega 0.5':>15}",
    ]
    for recomputed, kind in STATISTICS.items():
        line = between[between[RECOMPUTED] == recomputed]
        if line.empty:
            continue
        barrier = cell(barrier_of_test_loss(line), ".3f", " nats")
        end, middle = (cell(at_omega(line, TEST_ACCURACY, omega), ".1%") for omega in (0.0, 0.5))
        lines.append(f"{kind:<14}{len(line):>10}{barrier:>20}{end:>22}{middle:>15}")
    return lines
