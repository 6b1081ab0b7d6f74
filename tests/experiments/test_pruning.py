"""A network is pruned to each sparsity exactly, and fine-tuned without what was pruned coming back."""

import dataclasses

import pytest

from grok.config import PruningConfig
from grok.experiments import pruning, supervised
from grok.experiments.pruning import SPARSITY
from tests.experiments.helpers import assert_same_record, start
from tests.experiments.image_helpers import small, trained_in_parts

STEPS, FINE = 14, 4
SPARSITIES = (0.0, 0.5, 0.95)


def config(**settings) -> PruningConfig:
    training = {field.name: getattr(small(), field.name) for field in dataclasses.fields(small())}
    return PruningConfig(**training, sparsities=SPARSITIES, fine_tune_steps=FINE, **settings)


@pytest.fixture(scope="module", params=["one-shot", "iterative"])
def run(tmp_path_factory, request):
    root = tmp_path_factory.mktemp("whole")
    run, finished = start(root, config(schedule=request.param), experiment=pruning.EXPERIMENT)
    assert finished
    return run


def rows(run, sparsity):
    table = run.metrics()
    return table[(table["step"] >= STEPS) & (table[SPARSITY] == sparsity)]


def test_every_sparsity_has_the_row_before_and_the_row_after_fine_tuning(run):
    table = run.metrics()
    assert table["step"].iloc[-1] == config().total_steps == STEPS + 3 * (FINE + 1) - 1
    for index, sparsity in enumerate(SPARSITIES):
        first = STEPS + index * (FINE + 1)
        assert rows(run, sparsity)["step"].tolist() == list(range(first, first + FINE + 1))


def test_the_network_pruned_of_nothing_is_the_trained_one_and_before_is_after(run, tmp_path):
    alone, _ = start(tmp_path, small(), experiment=supervised.EXPERIMENT)
    dense = rows(run, 0.0).iloc[0]
    assert dense["test/loss"] == alone.metrics()["test/loss"].iloc[-1]
    entropies = [dense[f"interplay/before-after/test/entropy_{side}"] for side in (1, 2)]
    assert entropies[0] == entropies[1]
    assert dense["interplay/before-after/test/hdr"] == 0
    assert run.metrics().loc[: STEPS - 1, "interplay/before-after/test/mir"].isna().all()


def test_the_more_is_pruned_the_smaller_is_the_weight_norm_until_fine_tuning(run):
    norms = [rows(run, sparsity)["weight_norm"].iloc[0] for sparsity in SPARSITIES]
    assert norms[0] > norms[1] > norms[2]


@pytest.mark.parametrize("steps", [(14,), (16, 18, 19), (20, 24, 27)], ids=str)
def test_interrupted_in_any_phase_it_resumes_to_the_same_record(run, tmp_path, monkeypatch, steps):
    schedule = run.manifest()["config"]["schedule"]
    parts = trained_in_parts(tmp_path, pruning.EXPERIMENT, config(schedule=schedule), steps, monkeypatch)
    assert_same_record(parts, run)


def test_one_shot_begins_each_sparsity_from_the_trained_network_and_iterative_from_the_last(tmp_path):
    losses = {}
    for schedule in ("one-shot", "iterative"):
        run, _ = start(tmp_path / schedule, config(schedule=schedule), experiment=pruning.EXPERIMENT)
        losses[schedule] = [rows(run, sparsity)["test/loss"].iloc[0] for sparsity in SPARSITIES]
        one = PruningConfig(**{**vars(config(schedule=schedule)), "sparsities": (0.5,)})
        alone, _ = start(tmp_path / f"{schedule}-alone", one, experiment=pruning.EXPERIMENT)
        same = rows(alone, 0.5)["test/loss"].iloc[0] == losses[schedule][1]
        assert same == (schedule == "one-shot")
    assert losses["one-shot"][0] == losses["iterative"][0]
