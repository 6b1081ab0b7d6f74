"""The training sections time the steps that their rows name, on engines that train."""

import pytest
import torch

from grok.bench import training
from grok.bench.measure import Timing
from grok.config import ProbesConfig
from grok.experiment import experiment
from grok.experiments.grokking import paper
from grok.training.engine import Engine
from tests.helpers import CPU, new_run, small_engine


def quiet(_):
    pass


@pytest.fixture(autouse=True)
def few(monkeypatch):
    monkeypatch.setattr(training, "REPEATS", 2)
    for steps in ("STEPS", "MEASURED_STEPS"):
        monkeypatch.setattr(training, steps, {"cpu": 2})
    monkeypatch.setattr(training, "RECORDED_STEPS", 2)


def test_the_floor_of_the_paper_is_its_arithmetic():
    engine = Engine([experiment("grokking").build(paper(), 0, CPU)])
    assert training.step_flops(engine) == 6 * 3830 * (128 * 128 + 2 * 128 * 512 + 113 * 128)


def test_a_task_trains_the_next_steps_each_time_it_is_called(tmp_path):
    engine = small_engine()
    head = engine.members[0].learner.model.head
    before = head.weight.clone()
    task = training.next_steps(engine, new_run(tmp_path), 3)
    task()
    task()
    assert engine.step == 6
    assert not torch.equal(head.weight, before)


def test_the_products_of_a_step_are_computed_into_memory_that_is_there(monkeypatch):
    calls = []
    mm = torch.mm
    monkeypatch.setattr(
        torch, "mm", lambda left, right, out: calls.append((len(left), *right.shape)) or mm(left, right, out=out)
    )
    engine = small_engine()
    training._products(engine, CPU)()
    flops = sum(2 * rows * inner * columns for rows, inner, columns in calls)
    assert flops == training.step_flops(engine)


def test_a_step_is_compared_with_its_floor_and_with_two_usual_formulations():
    rows = {row["figure"]: row["measured"] for row in training.step(CPU, quiet).rows}
    assert list(rows)[2:] == [
        "the step's matrix products alone, into existing memory",
        "matrix products / floor",
        "training step",
        "training step / floor",
        "steps a second",
        "the same by autograd, on all samples at once",
        "step by autograd / training step",
        "step of the usual full-sequence formulation",
        "full-sequence step / training step",
        "step in the style of the notebooks, with the loss on test",
        "notebook step / training step",
    ]
    step, full = rows["training step"].median, rows["step of the usual full-sequence formulation"].median
    assert rows["full-sequence step / training step"].value == pytest.approx(full / step, rel=1e-9)
    autograd = rows["the same by autograd, on all samples at once"].median
    assert rows["step by autograd / training step"].value == pytest.approx(autograd / step, rel=1e-9)
    notebook = rows["step in the style of the notebooks, with the loss on test"].median
    assert rows["notebook step / training step"].value == pytest.approx(notebook / step, rel=1e-9)
    assert "floor of a step: 3.72 GFLOP at that rate" in rows
    (floor,) = [measured for figure, measured in rows.items() if figure.startswith("floor of a step")]
    assert rows["training step / floor"].value == pytest.approx(step / (floor.value / 1e3), rel=1e-9)  # it is in ms


def test_each_default_probe_is_priced_over_a_whole_run_and_all_of_them_by_the_sets_that_are_due_together(monkeypatch):
    built = []
    monkeypatch.setattr(training, "endless_engine", lambda device, measured: built.append(measured) or small_engine())
    milliseconds = {(): 10.0, ("accuracy",): 12.0, ("accuracy", "norms"): 13.0, ("norms",): 14.0}
    milliseconds[training.PAIRINGS] = 30.0

    def timed(tasks, device, *, repeats):
        return {name: (Timing.of([2 * milliseconds[tuple(name.split())] / 1e3]), None) for name in tasks}

    monkeypatch.setattr(training, "interleaved", timed)
    monkeypatch.setattr(training, "WHOLE_RUN", 100)
    default = ProbesConfig.only(accuracy="every:10", norms="every:20")
    monkeypatch.setattr(training, "ProbesConfig", lambda: default)
    monkeypatch.setattr(training, "only", lambda *names, every: names)
    rows = {row["measured"]: row for row in training.probes(CPU, quiet).rows}
    assert set(built) == set(milliseconds)
    assert {name: (row["schedule"], row["number"]) for name, row in rows.items()} == {
        "none": ("", "0"),
        "accuracy": ("every:10", "10"),
        "norms": ("every:20", "5"),
        "all three pairings": ("every:1", "100"),
        "all that is measured by default": ("as above", "10"),
    }
    assert str(rows["accuracy"]["step"]) == str(Timing.of([0.012]))
    added = {name: row["added time"].value for name, row in rows.items()}
    assert added == pytest.approx(
        {
            "none": 0.0,
            "accuracy": 10 * 2 / 1000,
            "norms": 5 * 4 / 1000,
            "all three pairings": 2.0,
            "all that is measured by default": (5 * 2 + 5 * 3) / 1000,
        }
    )


def test_the_default_probes_are_due_at_steps_of_three_nested_sets():
    due = training.due_together(ProbesConfig(), 9_560)
    assert sorted((len(names), count) for names, count in due.items()) == [(1, 9281), (6, 124), (9, 155)]


def test_recording_is_measured_with_a_mirror_and_a_save(monkeypatch):
    monkeypatch.setattr(training, "endless_engine", lambda device, measured: small_engine(steps=10**6))
    bare, mirrored, save, together = training.recording(CPU, quiet).rows
    assert bare["time"].repeats == mirrored["time"].repeats == save["time"].repeats == 5
    shares = [row["added time"].value for row in (mirrored, save, together)]
    assert shares[2] == pytest.approx(shares[0] + shares[1], abs=1e-12)
