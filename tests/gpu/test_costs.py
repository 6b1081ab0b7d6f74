"""Every cost is measured by its own name, at any size."""

import dataclasses

import pytest
import torch

from grok.bench.training import ALL_ALWAYS, TOGETHER
from grok.config import ProbesConfig
from grok.experiments.grokking import paper
from grok.gpu import costs
from grok.gpu.job import OutOfTimeError
from grok.gpu.sizes import FULL
from tests.gpu.helpers import TINY, measure, tiny_job
from tests.helpers import CPU


def rows(measuring):
    tables, message = measure(measuring)
    assert len({table.title for table in tables}) == 1
    return [row for table in tables for row in table.rows], message


def test_the_network_of_the_full_sizes_is_the_papers():
    full = costs.transformer(FULL, ProbesConfig())
    assert dataclasses.replace(full, steps=paper().steps, settle=paper().settle) == paper()


def test_a_step_is_timed_with_each_precision(tmp_path):
    found, message = rows(costs.step(tiny_job(tmp_path)))
    figures = {row["figure"]: row["measured"] for row in found}
    assert list(figures) == [
        "training step",
        "steps a second",
        "training step, loss in float32",
        "steps a second, loss in float32",
    ]
    assert figures["steps a second"].value == pytest.approx(1 / figures["training step"].median)
    assert message == "a CPU has no CUDA graphs, so steps are eager"


def test_each_probe_is_timed_beside_the_step_without_it(tmp_path):
    found, _ = rows(costs.probes(tiny_job(tmp_path)))
    assert found[0]["measured"] == ALL_ALWAYS
    for row in found:
        assert row["added time"].value == pytest.approx(row["step"].median / row["step without"].median - 1)


def test_time_that_is_up_leaves_the_rows_so_far(tmp_path):
    said = []
    measuring = costs.probes(tiny_job(tmp_path, said=said, stopped=lambda: len(said) == 1))
    assert [row["measured"] for row in next(measuring).rows] == [ALL_ALWAYS]
    with pytest.raises(OutOfTimeError, match=r"^not reached: all three pairings every 10 steps$"):
        next(measuring)


@pytest.mark.parametrize("installed", [True, False])
def test_the_figure_of_the_target_includes_the_mirror(tmp_path, monkeypatch, installed):
    if not installed:
        monkeypatch.setattr(costs.importlib.util, "find_spec", lambda name: None)
    found, message = rows(costs.recording(tiny_job(tmp_path)))
    assert (found[-1]["what"] == TOGETHER) == installed
    assert message == ("" if installed else "without a mirror, as wandb is not installed")
    recorded, save, together = (row["added time"].value for row in found[1:])
    assert together == pytest.approx(recorded + save, abs=1e-12)
    assert found[2]["time"].median > 0


def test_stacks_are_compared_by_member_steps(tmp_path):
    found, _ = rows(costs.stack(tiny_job(tmp_path)))
    assert [(row["p"], row["members"]) for row in found] == [(11, 1), (11, 2)]
    for row in found:
        assert row["member-steps a second"].value == pytest.approx(row["members"] / row["step of the stack"].median)
    ratio = found[1]["member-steps a second"].value / found[0]["member-steps a second"].value
    assert found[1]["times the first row"].value == pytest.approx(ratio)


def test_spectra_are_those_of_the_benchmark(tmp_path, monkeypatch):
    monkeypatch.setattr("grok.bench.information.BATCH", 3)
    found, _ = rows(costs.spectra(tiny_job(tmp_path)))
    assert [row["by"] for row in found] == ["eigenvalues", "determinants"]


def test_images_are_timed_in_both_precisions_and_compiled(tmp_path, monkeypatch):
    compiled = []
    monkeypatch.setattr(torch, "compile", lambda function, **how: compiled.append(function) or function)
    found, _ = rows(costs.images(tiny_job(tmp_path)))
    assert [(row["precision"], row["executor"], row["compiled"]) for row in found] == [
        ("bfloat16", "eager", "no"),
        ("float32", "eager", "no"),
        ("bfloat16", "eager", "yes"),
        ("float32", "eager", "yes"),
    ]
    assert len(compiled) == 2
    for row in found:
        assert row["samples a second"].value == pytest.approx(TINY.batch_size / row["step"].median)


def test_an_engine_trains_as_many_seeds_as_are_asked_for():
    engine = costs.engine(costs.transformer(TINY), CPU, members=3)
    weights = [member.learner.model.head.weight for member in engine.members]
    assert len(weights) == 3
    assert not torch.equal(weights[0], weights[1])
