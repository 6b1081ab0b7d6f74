"""Tables of information losses have means with intervals, differences paired by seed, and adjusted p values."""

import math

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from grok.analysis.statistics import MeanInterval, PairedDifference
from grok.config import SupervisedConfig
from grok.config.update import InformationTermConfig
from grok.figures import terms
from grok.figures.records import store_source
from grok.tracking import Store
from tests.figures.helpers import add_run, constant


def config(term="none", weight=0.0):
    return SupervisedConfig(information=InformationTermConfig(term=term, weight=weight))


def study_of(tmp_path, *settings, columns=None, seeds=1):
    for place, each in enumerate(settings):
        for seed in range(seeds):
            add_run(
                Store(tmp_path),
                columns or {"test/accuracy": constant(place + seed / 8)},
                seed=seed,
                config=config(*each),
                experiment="supervised",
                sweeps=["mine"],
            )
    (study,) = store_source(tmp_path, ["supervised"]).studies
    return study


def test_the_end_of_a_run_is_each_measure_as_it_was_last_measured(tmp_path):
    columns = {
        "test/accuracy": lambda steps: np.where(steps <= 1000, steps / 1000, np.nan),
        "weight_norm": lambda steps: steps.astype(float),
    }
    study = study_of(tmp_path, ("mir", 0.5), columns=columns, seeds=2)
    of_runs = terms.ends(study, ["test/accuracy", "weight_norm", "never/measured"])
    assert of_runs.drop(columns=["config", "never/measured"]).to_dict("records") == [
        {"information.term": "mir", "information.weight": 0.5, "seed": seed, "test/accuracy": 1.0, "weight_norm": 2000}
        for seed in (0, 1)
    ]
    assert set(of_runs["config"]) == {study.groups[0].name}
    assert of_runs["never/measured"].isna().all()


def test_differences_are_of_the_same_seed_and_seeds_that_one_side_lacks_are_left_out():
    of_runs = pd.DataFrame(
        {
            "config": ["with"] * 4 + ["plain"] * 4,
            "seed": [0, 1, 2, 9, 2, 1, 0, 7],
            "accuracy": [0.5, 0.75, 1.0, 0.0, 0.75, 0.25, np.nan, 1.0],
        }
    )
    found = terms.paired(of_runs, "with", "plain", "accuracy")
    assert (found.mean, found.n) == (pytest.approx((0.5 + 0.25) / 2), 2)
    assert terms.measured(of_runs, "plain", "accuracy").n == 3
    assert terms.measured(of_runs, "plain", "accuracy").mean == pytest.approx(2 / 3)


def test_cells_say_mean_and_half_of_the_interval_or_what_there_is():
    half = stats.t.ppf(0.975, 2) * 0.1 / math.sqrt(3)
    assert (
        terms.mean_cell(MeanInterval(0.5, 0.5 - half, 0.5 + half, 3), ".2f", times=100) == f"50.00 ± {100 * half:.2f}"
    )
    assert terms.mean_cell(MeanInterval(0.5, math.nan, math.nan, 1), ".3f") == "0.500"
    assert terms.mean_cell(MeanInterval(math.nan, math.nan, math.nan, 0), ".3f") == "–"
    for mean, cell in ((0.25, "+0.25 ± 0.50"), (-0.25, "−0.25 ± 0.50"), (-1e-9, "+0.00 ± 0.50")):
        assert terms.difference_cell(PairedDifference(mean, mean - 0.5, mean + 0.5, 3, 0.25), ".2f") == cell
    assert terms.difference_cell(PairedDifference(-0.01, math.nan, math.nan, 1, 1.0), ".1f", times=100) == "−1.0"
    assert terms.difference_cell(PairedDifference(math.nan, math.nan, math.nan, 0, math.nan), ".1f") == "–"


def test_p_values_of_a_table_are_adjusted_together_and_never_said_to_be_0():
    assert terms.p_cells([0.01, math.nan, 0.04, 0.0001]) == ["0.020", "–", "0.040", "< 0.001"]
    assert terms.p_cells([]) == []


def test_groups_are_ordered_by_term_and_weight_whenever_they_were_trained(tmp_path):
    made = [("hdr", 1.0), ("mutual_information", 0.1), ("none", 0.0), ("mutual_information", -1.0), ("mir", 0.1)]
    study = terms.in_order(study_of(tmp_path, *made))
    assert [terms.title(group.settings) for group in study.groups] == [
        "none",
        "MI, −1",
        "MI, 0.1",
        "MIR, 0.1",
        "HDR, 1",
    ]
