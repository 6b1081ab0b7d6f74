"""A device or an executor that is not available is rejected, and auto takes the fastest that is."""

import pytest
import torch

from grok.cli import devices, main, training
from grok.cli.devices import workers_and_threads
from grok.experiments import runner
from tests.cli.helpers import error_line, train


def test_a_device_that_is_not_there_is_bad_usage(runs, capsys, monkeypatch):
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    assert train(runs, "--device", "cuda") == 2
    assert error_line(capsys).startswith("grok: --device: expected a device that this machine has, got cuda")
    assert not runs.exists()


TERM = ("--config.information.term", "mir", "--config.information.weight", "0.1", "--config.information.samples", "32")


@pytest.mark.parametrize(
    ("flags", "what"),
    [
        ((), None),
        (("--config.optimiser.rule", "muon"), "the rule muon, whose update"),
        (TERM, "the term mir, whose eigenvalues"),
    ],
    ids=["adamw", "muon", "mir"],
)
def test_on_a_gpu_a_step_is_captured_unless_its_rule_or_term_cannot_be(runs, capsys, monkeypatch, flags, what):
    monkeypatch.setattr(training, "choose_device", lambda name: torch.device("cuda"))
    executors = []
    monkeypatch.setattr(
        runner, "start", lambda experiment, wanted, setup, again: executors.append(setup.executor) or ([], False)
    )
    monkeypatch.setattr(training, "conclude", lambda runs, finished: 0)
    assert train(runs, *flags) == 0
    assert executors == ["eager" if what else "graph"]
    assert train(runs, *flags, "--executor", "graph") == (2 if what else 0)
    if what:
        assert error_line(capsys) == (
            f"grok: --executor: expected eager or auto with {what} no graph can capture, got graph: "
            "use --executor eager"
        )


def test_a_step_on_all_samples_and_a_stack_are_not_compiled(runs, capsys):
    for experiment in ("grokking", "norm-matched"):
        assert main(["train", experiment, "--compile", "--runs", str(runs)]) == 2
        assert error_line(capsys) == (
            "grok: --compile: expected an experiment that trains on batches, got one on all samples at once: "
            "leave it out"
        )
    assert train(runs, "--compile", "--seeds", "0-3", "--stack", "2") == 2
    assert error_line(capsys) == (
        "grok: --compile: expected runs that train one by one, got --stack 2: leave one of them out"
    )
    assert not list(runs.rglob("run.json"))


@pytest.mark.parametrize(
    ("workers", "threads", "device", "expected"),
    [
        (None, "auto", "cpu", (8, 1)),
        (None, 2, "cpu", (4, 2)),
        (None, 3, "cpu", (2, 3)),
        (None, 16, "cpu", (1, 16)),
        (2, "auto", "cpu", (2, 1)),
        (3, 8, "cpu", (3, 8)),  # as asked for
        (None, "auto", "cuda", (1, 8)),
        (2, "auto", "cuda", (2, 4)),
        (None, 3, "cuda", (1, 3)),
    ],
)
def test_workers_and_their_threads_are_together_as_many_as_the_processors(
    monkeypatch, workers, threads, device, expected
):
    monkeypatch.setattr(devices, "processors", lambda: 8)
    assert workers_and_threads(workers, threads, torch.device(device)) == expected
