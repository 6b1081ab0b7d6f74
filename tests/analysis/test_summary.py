"""The summary of a run holds the events and the last numbers of each of its trainings."""

import numpy as np

from grok.analysis.events import events
from grok.analysis.summary import summary_of
from grok.experiment import experiment
from grok.tracking import Store
from tests.figures.helpers import add_run, constant, rises_at

WHICH = {"norm_matched/twin": lambda steps: (steps > 500).astype(float)}


def test_it_has_the_events_and_every_number_of_the_last_row(tmp_path):
    nowhere = {"train/loss": constant(np.nan), "weight_norm": lambda steps: np.where(steps < 500, steps, np.inf)}
    run = add_run(Store(tmp_path), {"test/accuracy": rises_at(300)} | nowhere, steps=500, every=50)
    summary = summary_of(run)
    assert summary == {"events": events(run.metrics()), "last": {"step": 500, "test/accuracy": 1.0}}
    assert summary["events"]["grokked"] == 300


def test_a_twin_has_its_own_in_steps_of_its_own(tmp_path):
    accuracy = {"test/accuracy": lambda steps: np.where(steps > 500, steps >= 700, steps >= 200).astype(float)}
    norm = {"weight_norm": lambda steps: steps / 100}
    run = add_run(Store(tmp_path), accuracy | norm | WHICH, steps=1001, every=1, experiment="norm-matched")
    summary = experiment("norm-matched").summarise(run)
    last = {"step": 500, "test/accuracy": 1.0, "weight_norm": 5.0, "norm_matched/twin": 0.0}
    assert summary["last"] == last
    assert summary["twin"]["last"] == last | {"weight_norm": 10.01, "norm_matched/twin": 1.0}
    assert [found["grokked"] for found in (summary["events"], summary["twin"]["events"])] == [200, 199]


def test_a_run_without_a_record_has_none(tmp_path):
    assert summary_of(add_run(Store(tmp_path), {})) == {}
