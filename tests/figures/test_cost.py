"""The cost figure shows what `grok bench size --json` printed."""

import json

import pytest

from grok.figures import draw_figures
from grok.figures.cost import COST
from grok.tracking import StoreError

MACHINE = {"device_name": "x86_64", "threads": 2, "versions": {"torch": "2.13.0"}, "git_commit": "abc"}


def timing(milliseconds):
    return {"median": milliseconds / 1e3, "low": 0.0, "high": 1.0, "repeats": 3}


def row(p, d_model):
    return {"p": p, "d_model": d_model, "training pairs": 1, "step": timing(p * d_model / 1e3)} | {
        f"measuring {pairing}": timing(p + index) for index, pairing in enumerate(("prototype", "sample", "embedding"))
    }


def test_the_table_holds_the_times_in_milliseconds(tmp_path):
    rows = [row(p, d_model) for d_model in (128, 512) for p in (59, 113)]
    (tmp_path / "cost.json").write_text(json.dumps({"machine": MACHINE, "sections": {"size": {"rows": rows}}}))
    drawing = COST.draw(tmp_path / "cost.json")
    assert drawing.name == "cost"
    assert drawing.stamp == "grok bench size: x86_64, 2 threads, torch 2.13.0, commit abc"
    plotted = drawing.table
    assert plotted.columns.tolist() == ["p", "d_model", "step", "prototype", "sample", "embedding"]
    assert plotted.iloc[3].tolist() == pytest.approx([113, 512, 113 * 0.512, 113, 114, 115], rel=1e-5)


def test_without_a_measurement_nothing_is_drawn(tmp_path):
    assert draw_figures([COST], tmp_path, tmp_path / "plots") == ([], 0)


@pytest.mark.parametrize("text", ["{", "[]", '{"machine": {}, "sections": {}}'])
def test_a_file_that_is_no_measurement_is_named_with_its_mend(tmp_path, text):
    (tmp_path / "cost.json").write_text(text)
    with pytest.raises(StoreError, match=r"cost\.json cannot be read .*: make it anew by `grok bench size --json`"):
        draw_figures([COST], tmp_path, tmp_path / "plots")
