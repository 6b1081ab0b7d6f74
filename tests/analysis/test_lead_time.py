"""Lead times, correlations and false alarms of a hand-made case are correct cell by cell."""

import math

import numpy as np
import pandas as pd
import pytest

from grok.analysis.events import events
from grok.analysis.lead_time import lead_time_table, markdown, run_row
from grok.analysis.statistics import median_interval, proportion_interval, rank_correlation

NEVER, UNKNOWN = math.inf, math.nan
RUNS = pd.DataFrame(
    {
        "memorised": [100, 100, 100, 100, 100],
        "rise": [2_000, 3_000, 4_000, 5_000, NEVER],
        "grokked": [2_500, 3_500, 4_500, 6_000, NEVER],
        "last_step": 8_000,
        "detected/test/loss": [1_000, 2_000, 1_600, 5_500, 700],
        "detected/weight_norm": [500, NEVER, 2_000, UNKNOWN, NEVER],
    },
    index=["r0", "r1", "r2", "r3", "r4"],
)
CONTROLS = pd.DataFrame(
    {
        "control": ["random labels", "random labels", "no decay", "no decay", "no decay", "no decay"],
        "memorised": [100, 100, 100, 100, NEVER, 100],
        "grokked": [NEVER, NEVER, NEVER, NEVER, NEVER, 900],
        "last_step": [4_000, 4_000, 9_000, 6_000, 9_000, 9_000],
        "detected/test/loss": [600, NEVER, 800, 900, NEVER, 500],
        "detected/weight_norm": [NEVER, NEVER, NEVER, UNKNOWN, NEVER, 500],
    },
    index=["c0", "c1", "c2", "c3", "c4", "c5"],
)


def _row(table, measure):
    return table.loc[measure].to_dict()


def test_each_cell_of_the_table_is_what_the_runs_say():
    table = lead_time_table(RUNS, CONTROLS)
    assert list(table.index) == ["test/loss", "weight_norm"]
    leads, ratios = [1_000, 1_000, 2_400, -500], [2, 1.5, 2.5, 5_000 / 5_500]
    lead, ratio = median_interval(leads), median_interval(ratios)
    rho = rank_correlation([1_000, 2_000, 1_600, 5_500], [2_500, 3_500, 4_500, 6_000])
    labels, decay, both = proportion_interval(1, 2), proportion_interval(2, 2), proportion_interval(3, 4)
    assert (lead.median, ratio.median, rho.rho) == (1_000, 1.75, pytest.approx(0.8))
    assert _row(table, "test/loss") == {
        "title": "test loss",
        "runs": 4,
        "turned": 4,
        "before": 3,
        "lead": lead.median,
        "lead_low": lead.low,
        "lead_high": lead.high,
        "ratio": ratio.median,
        "ratio_low": ratio.low,
        "ratio_high": ratio.high,
        "rho": rho.rho,
        "rho_low": rho.low,
        "rho_high": rho.high,
        "alarms/random labels": 1,
        "controls/random labels": 2,
        "alarm_rate/random labels": 0.5,
        "alarm_low/random labels": labels.low,
        "alarm_high/random labels": labels.high,
        "alarms/no decay": 2,
        "controls/no decay": 2,
        "alarm_rate/no decay": 1.0,
        "alarm_low/no decay": decay.low,
        "alarm_high/no decay": 1.0,
        "alarms/all": 3,
        "controls/all": 4,
        "alarm_rate/all": 0.75,
        "alarm_low/all": both.low,
        "alarm_high/all": both.high,
        "not_grokked": "r4",
        "controls_left_out": "c4, c5",
        "rise": 3_500,
        "controls_last_step": 5_000,
    }


def test_a_run_without_the_measure_does_not_count_and_one_without_its_turn_does():
    row = _row(lead_time_table(RUNS, CONTROLS), "weight_norm")
    assert (row["runs"], row["turned"], row["before"]) == (3, 2, 2)
    assert (row["lead"], row["ratio"]) == (1_750, 3)
    assert math.isnan(row["rho"])
    assert math.isnan(row["lead_low"])
    assert (row["alarms/no decay"], row["controls/no decay"]) == (0, 1)
    assert (row["alarms/all"], row["controls/all"], row["alarm_high/all"]) == (0, 3, proportion_interval(0, 3).high)


def test_without_controls_or_grokking_there_is_nothing_to_say_and_it_is_said():
    row = _row(lead_time_table(RUNS.loc[["r4"]], pd.DataFrame()), "test/loss")
    assert (row["runs"], row["turned"], row["before"], row["controls/all"]) == (0, 0, 0, 0)
    assert all(math.isnan(row[name]) for name in ("lead", "ratio", "rho", "alarm_rate/all", "rise"))
    assert row["not_grokked"] == "r4"
    assert markdown(lead_time_table(pd.DataFrame(), pd.DataFrame())) == "No measures were recorded.\n"


def test_controls_have_a_kind():
    with pytest.raises(ValueError, match='controls: expected a column "control", got none'):
        lead_time_table(RUNS, CONTROLS.drop(columns="control"))
    with pytest.raises(ValueError, match='controls: expected kinds other than "all"'):
        lead_time_table(RUNS, CONTROLS.assign(control="all"))


def test_the_markdown_has_leads_beside_false_alarms_and_names_what_was_left_out():
    lines = markdown(lead_time_table(RUNS, CONTROLS)).splitlines()
    lead = median_interval([1_000, 1_000, 2_400, -500])
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[:4]]
    assert cells[0][:5] == [
        "measure",
        "turned before the rise",
        "turned: random labels",
        "turned: no decay",
        "turned: all controls",
    ]
    assert cells[2][:5] == ["test loss", "3 of 4", "1 of 2", "2 of 2", "3 of 4 = 75% [19%, 99%]"]
    assert cells[2][5] == f"1,000 [{lead.low:,.0f}, {lead.high:,.0f}]"
    assert cells[2][-1] == "4"
    assert cells[3] == [
        *("weight norm", "2 of 3", "0 of 2", "0 of 1", "0 of 3 = 0% [0%, 71%]"),
        *("1,750", "3.00", "–", "2"),
    ]
    assert lines[-4:] == [
        "Test accuracy rose at step 3,500 (median of the runs that grokked).",
        "Controls trained for 5,000 steps (median).",
        "Not grokked and left out: r4.",
        "Controls left out, not memorised or grokked after all: c4, c5.",
    ]


def test_a_row_is_the_events_of_a_run_with_never_at_infinity():
    steps = np.arange(0, 6_000, 10)
    record = pd.DataFrame(
        {
            "step": steps,
            "train/accuracy": np.where(steps < 140, 0.2, 1.0),
            "test/accuracy": np.select([steps < 4_000, steps < 5_000], [0.1, 0.6], 0.995),
            "weight_norm": np.where(steps < 2_000, 50.0, 40.0),
            "test/loss": 20.0,
        }
    )
    row, turned = run_row(record), events(record)["turns"]
    detected = {f"detected/{name}": turned[name]["detected"] for name in ("test/accuracy", "weight_norm")}
    onset = {f"onset/{name}": turned[name]["onset"] for name in ("test/accuracy", "weight_norm")}
    assert row == {
        "memorised": 140,
        "rise": 4_000,
        "grokked": 5_000,
        "ungrokked": NEVER,
        "final_test_accuracy": 0.995,
        "last_step": 5_990,
        "detected/test/loss": NEVER,
        "onset/test/loss": NEVER,
        **detected,
        **onset,
    }
    assert 2_000 < row["detected/weight_norm"] < 2_200 < row["rise"] < row["detected/test/accuracy"]
