"""The results of a training with an information loss and of its twin, in words."""

import math

from grok.analysis.report import cell
from grok.columns import TEST_ACCURACY
from grok.tracking import Run


def outcome(run: Run) -> list[str]:
    """Return lines with the step at which each training grokked, in its own steps, and its final test accuracy."""
    manifest = run.manifest()
    summary, term = manifest["summary"], manifest["config"]["information"]
    trainings = {
        f"with {term['term']}, weight {term['weight']:g}": summary,
        "twin without it, of the same norm": summary["twin"],
    }
    width = max(map(len, trainings))
    lines = [f"{'training':<{width}}{'grokked':>14}{'test accuracy at the end':>28}"]
    for name, came_to in trainings.items():
        grokked, accuracy = came_to["events"]["grokked"], came_to["last"].get(TEST_ACCURACY, math.nan)
        step = "never" if grokked is None else f"step {grokked:,}"
        lines.append(f"{name:<{width}}{step:>14}{cell(accuracy, '.1%'):>28}")
    return lines
