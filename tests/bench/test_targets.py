"""A target is listed only with the measurement of its own section."""

import torch

from grok.bench.information import ERROR_OF_HDR, ERROR_OF_MIR
from grok.bench.measure import Figure, Table, Timing
from grok.bench.targets import NOT_MEASURED, TARGETS, targets
from tests.helpers import CPU

STEP = Table(
    "",
    [
        {"figure": "training step / floor", "measured": Figure(1.25, ".2f")},
        {"figure": "steps a second", "measured": Figure(6000.0, ",.0f")},
        {"figure": "notebook step / training step", "measured": Figure(5.0, ".1f")},
    ],
)
ESTIMATOR = Table(
    "",
    [
        {
            "n": n,
            "exact": Timing.of([exact]),
            "estimate": Timing.of([1.0]),
            ERROR_OF_MIR: Figure(error, ".2%"),
            ERROR_OF_HDR: Figure(0.0, ".2%"),
        }
        for n, exact, error in ((4096, 20.0, 0.001), (4096, 12.0, 0.004), (9999, 1.0, 0.5))
    ],
)


THREADS = Table(
    "",
    [
        {"cores kept busy": busy, "fastest / chosen": Figure(ratio, ".2f")}
        for busy, ratio in ((0, 1.0), (1, 1.12), (2, 1.9))
    ],
)


def measured(tables, device):
    rows = targets(tables, device).rows
    return {row["figure"]: row["measured"] for row in rows if row["measured"] != NOT_MEASURED}


def test_what_was_measured_is_shown_and_what_was_not_is_said():
    assert measured({"step": STEP, "estimator": ESTIMATOR, "threads": THREADS}, CPU) == {
        "CPU: time with the chosen threads / with the best, idle or one core busy": "1.12",
        "CPU: training step / floor": "1.25",
        "CPU: notebook step / ours": "5.0",
        "estimator at n = 4,096, 95 % of seeds: error of MIR and HDR, share of the time": "0.40%, 1/12.0",
    }
    assert len(targets({"step": STEP}, CPU).rows) == sum(target.section == "step" for target in TARGETS)
    assert targets({}, CPU) is None


def test_a_figure_of_a_gpu_is_not_taken_for_one_of_a_cpu():
    assert measured({"step": STEP}, torch.device("cuda")) == {"GPU: steps a second, one run": "6,000"}
