"""Bands are quantiles over seeds of each seed's last measurement so far."""

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from grok.figures.bands import band, band_table, draw_band, draw_spread, log_steps


def records(count, *, last=1000, every=1):
    steps = np.arange(0, last + 1, every)
    return {seed: pd.DataFrame({"x": steps + 1000.0 * seed}, index=steps) for seed in range(count)}


def test_a_band_has_the_median_and_the_tenth_and_ninetieth_percentile():
    found = band(records(11), "x")
    np.testing.assert_allclose(found["median"], found.index + 5000)
    np.testing.assert_allclose(found["low"], found.index + 1000)
    np.testing.assert_allclose(found["high"], found.index + 9000)


def test_a_seed_has_its_last_measurement_between_two_and_after_its_end():
    long, short = records(1, every=100)[0], records(1, last=300, every=100)[0]
    found = band({0: long}, "x")
    assert all(found["median"] == found.index // 100 * 100)
    both = band({0: long, 1: short}, "x")
    assert both["low"].iloc[-1] == 300 + 0.1 * 700
    assert both.index[-1] == 1000


def test_a_seed_that_has_not_measured_yet_is_left_out():
    late = pd.DataFrame({"x": [5.0]}, index=[500])
    found = band({0: records(1)[0], 1: late}, "x")
    assert found["median"].iloc[0] == 0
    assert found["median"].iloc[-1] == (1000 + 5) / 2


def test_a_column_that_no_seed_measured_has_no_band():
    assert band(records(3), "y") is None
    assert band({0: pd.DataFrame({"x": [np.nan]}, index=[0])}, "x") is None


def test_log_steps_begin_at_0_and_end_at_the_last():
    steps = log_steps(40_000, 100)
    assert (steps[0], steps[-1]) == (0, 40_000)
    late = steps[steps > 500] + 1.0
    assert np.ptp(np.log(late[1:] / late[:-1])) < 0.01


def test_few_seeds_are_a_line_each_and_many_a_median_with_a_band():
    for count, lines, filled in ((3, 3, 0), (5, 1, 1)):
        axis = Figure().subplots()
        draw_band(axis, records(count), "x", colour="red", label="x")
        assert (len(axis.lines), len(axis.collections)) == (lines, filled)
    np.testing.assert_array_equal(axis.lines[0].get_ydata(), band(records(5), "x")["median"])


def test_the_table_names_column_and_number_of_seeds():
    table = band_table(records(5) | {7: pd.DataFrame({"z": [1.0]}, index=[0])}, ["x", "y", "z"])
    assert list(table.columns) == ["column", "step", "median", "low", "high", "seeds"]
    assert table.groupby("column")["seeds"].first().to_dict() == {"x": 5, "z": 1}
    assert list(band_table(records(5), ["y"]).columns) == list(table.columns)


def test_a_spread_of_few_seeds_is_a_line_each_and_of_many_the_median_with_its_band():
    for seeds, lines, band_low in ((2, [[0.0, 0.1], [1.0, 1.1]], None), (5, [[2.0, 2.1]], 0.4)):
        rows = pd.DataFrame([{"seed": s, "x": x, "y": s + x / 10} for x in (1, 0) for s in range(seeds)])
        axis = Figure().subplots()
        draw_spread(axis, rows, "x", "y", colour="k", label="y", line="--")
        assert [line.get_xdata().tolist() for line in axis.lines] == [[0, 1]] * len(lines)
        assert [line.get_ydata().tolist() for line in axis.lines] == lines
        lows = [path.get_paths()[0].get_extents().ymin for path in axis.collections]
        assert lows == ([] if band_low is None else [pytest.approx(band_low)])


def test_a_spread_of_what_was_not_measured_is_not_drawn_nor_is_a_seed_without_it():
    rows = pd.DataFrame({"seed": [0, 0, 1, 1], "x": [0, 1, 0, 1], "y": [3.0, 4.0, np.nan, np.nan]})
    axis = Figure().subplots()
    draw_spread(axis, rows, "x", "z", colour="k", label="z")
    assert not axis.lines
    draw_spread(axis, rows, "x", "y", colour="k", label="y")
    assert [line.get_ydata().tolist() for line in axis.lines] == [[3.0, 4.0]]
