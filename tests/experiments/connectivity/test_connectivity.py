"""A run of connectivity is described by the networks between its two children."""

import numpy as np

from grok.config import ConnectivityConfig
from grok.experiment import experiment
from grok.report import describe
from grok.tracking import Store
from grok.tracking.export import export_run
from tests.experiments.helpers import outcome_of
from tests.figures.helpers import add_run, by_place

PHASES = experiment("connectivity").phase_columns
OMEGAS = np.linspace(0, 1, 5)
PATH = ConnectivityConfig(steps=20, points=5)
BETWEEN = {
    "connectivity/omega": by_place(40, np.tile(OMEGAS, 2)),
    "connectivity/recomputed": by_place(40, np.repeat([0.0, 1.0], 5)),
    "test/loss": by_place(40, [0.25, 1.5, 2.5, 0.75, 0.75, *OMEGAS], before=9.0),
    "test/accuracy": by_place(40, [0.9, 0.6, 0.1, 0.6, 0.8, 0.95, 0.9, 0.85, 0.9, 0.9], before=0.3),
}


def add_path(root, columns):
    return add_run(Store(root), columns, config=PATH, steps=49, every=1, experiment="connectivity")


def test_connectivity_is_described_by_the_networks_between_and_not_by_their_training(tmp_path):
    run = add_path(tmp_path, BETWEEN)
    assert outcome_of(run) == [
        ["statistics", "networks", "loss", "barrier", "accuracy", "at", "omega", "0", "at", "omega", "0.5"],
        ["recomputed", "5", "0.000", "nats", "95.0%", "85.0%"],
        ["interpolated", "5", "2.000", "nats", "90.0%", "10.0%"],
    ]
    copy, _ = export_run(run, tmp_path / "small", rows=1, phase_columns=PHASES)
    assert outcome_of(copy) == outcome_of(run)


def test_what_a_record_of_connectivity_lacks_is_a_dash_or_said(tmp_path):
    accuracy_alone = {name: column for name, column in BETWEEN.items() if name != "test/loss"}
    run = add_path(tmp_path, accuracy_alone)
    assert outcome_of(run)[1:] == [
        ["recomputed", "5", "-", "95.0%", "85.0%"],
        ["interpolated", "5", "-", "90.0%", "10.0%"],
    ]
    copy, _ = export_run(run, tmp_path / "small", rows=1, phase_columns=PHASES, columns=["test/*"])
    line = "The record has no network between the two: it lacks connectivity/omega or connectivity/recomputed after "
    assert describe(copy).splitlines()[-1] == f"{line}their training."
