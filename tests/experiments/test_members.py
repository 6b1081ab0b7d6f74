"""Copies stand where usual measurements are due, and what happens to them does not touch the run."""

import torch

from grok.experiments.members import copies_at_start, copies_of, restore
from tests.experiments.helpers import EXPERIMENT, setup, start
from tests.helpers import small_config


def test_copies_of_a_new_run_stand_halfway_through_it(tmp_path):
    members, step = copies_at_start(
        EXPERIMENT, [(small_config(steps=90), 0), (small_config(steps=60), 1)], setup(tmp_path)
    )
    assert (len(members), step) == (2, 30)


def test_copies_of_a_run_stand_at_its_last_save_and_are_its_own_tensors(tmp_path):
    run, _ = start(tmp_path, small_config(steps=20))
    (copy,), step = copies_of([run], EXPERIMENT, setup(tmp_path))
    assert step == 20
    with torch.no_grad():
        copy.learner.model.head.weight.zero_()
    assert restore(run, EXPERIMENT, setup(tmp_path)).learner.model.head.weight.abs().max() > 0
