"""Runs are grouped by experiment and config; seeds and reruns fall into place."""

from grok.figures.records import finished_groups
from grok.tracking import Store
from tests.figures.test_figure7 import add_run


def test_a_group_holds_one_run_a_seed_in_the_order_of_seeds(tmp_path):
    store = Store(tmp_path)
    for seed in (2, 0, 1):
        add_run(store, seed=seed)
    (group,) = finished_groups(tmp_path)
    assert list(group.runs) == [0, 1, 2]
    assert group.name == group.runs[0].id.removesuffix("-seed0")


def test_a_seed_trained_again_is_represented_by_its_newest_run(tmp_path):
    store = Store(tmp_path)
    add_run(store, seed=0)
    again = add_run(store, seed=0)
    (group,) = finished_groups(tmp_path)
    assert group.runs[0].id == again.id
    assert again.id.endswith("-seed0-2")


def test_records_are_indexed_by_step(tmp_path):
    add_run(Store(tmp_path), seed=3)
    (group,) = finished_groups(tmp_path)
    assert group.metrics()[3].index[-1] == 2000
