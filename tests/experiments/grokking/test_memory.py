"""The estimate grows with what takes memory, and a training that cannot fit leaves nothing behind."""

import dataclasses

import pytest

from grok.config import ConfigError, TaskConfig, TransformerConfig
from grok.experiments.grokking import paper
from grok.experiments.grokking.memory import memory_needed
from tests.experiments.helpers import start

ALONE = {"members": 1, "device": "cpu", "threads": 2}
P997 = dataclasses.replace(paper(), task=TaskConfig(modulus=997))


@pytest.mark.parametrize(("modulus", "measured"), [(113, 522), (499, 2_002), (997, 6_477)])
def test_the_estimate_is_no_less_than_what_was_measured_and_at_most_twice_as_much(modulus, measured):
    estimate = memory_needed(dataclasses.replace(paper(), task=TaskConfig(modulus=modulus)), **ALONE) / 2**20
    assert measured < estimate < 2 * measured  # MiB; 499 with copies that are timed


def test_it_grows_with_members_samples_and_width():
    stack = memory_needed(P997, members=8, device="cpu", threads=2)
    assert stack > 8 * memory_needed(P997, **ALONE)
    large_sample = dataclasses.replace(P997, probes=dataclasses.replace(P997.probes, sample_size=20_000))
    assert memory_needed(large_sample, **ALONE) > 2 * 8 * 8 * 20_000**2
    wide = dataclasses.replace(paper(), model=TransformerConfig(d_model=20_000, d_mlp=80_000))
    assert memory_needed(wide, **ALONE) > 4 * 4 * 2 * 20_000 * 80_000


def test_a_training_that_cannot_fit_is_refused_before_it_begins(tmp_path, monkeypatch):
    monkeypatch.setattr("grok.memory.free_memory", lambda device: 2**20)
    with pytest.raises(
        ConfigError, match=r"free memory of 0\.0 GiB, got one that needs about 0\.5 GiB: choose a smaller task"
    ):
        start(tmp_path)
    assert not [path for path in tmp_path.rglob("*") if path.name != ".lock"]
