"""A checkpoint brings network and optimiser back bit for bit, or says why it cannot and changes nothing."""

import dataclasses

import pytest
import torch

from grok.config import TransformerConfig
from grok.experiments import grokking
from grok.training.checkpoint import CheckpointError, checkpoints, load_checkpoint, save_checkpoint
from tests.helpers import CPU, new_run, run_steps, small_config, small_engine


def copies(tensors):
    return [tensor.detach().clone() for tensor in tensors]


def optimiser_tensors(engine):
    return [state[name] for state in engine.optimiser.state.values() for name in sorted(state)]


def save(run, engine, step):
    return save_checkpoint(run, step, engine.model, engine.optimiser)


def test_a_loaded_network_takes_the_same_next_steps_bit_for_bit(tmp_path):
    run, trained = new_run(tmp_path), small_engine(accuracy="every:1")
    run_steps(trained, run, 12)
    path = save(run, trained, 12)
    loaded = small_engine(seed=1, accuracy="every:1")
    loaded.task = trained.task
    loaded.step = load_checkpoint(path, loaded.model, loaded.optimiser)
    assert loaded.step == 12
    assert run_steps(trained, new_run(tmp_path), 5) == run_steps(loaded, new_run(tmp_path), 5)
    for expected, got in zip(trained.model.parameters(), loaded.model.parameters(), strict=True):
        assert torch.equal(expected, got)
    for expected, got in zip(optimiser_tensors(trained), optimiser_tensors(loaded), strict=True):
        assert torch.equal(expected, got)


def test_the_newest_two_are_kept(tmp_path):
    run, engine = new_run(tmp_path), small_engine()
    for step in (9, 100, 30_000_000):
        save(run, engine, step)
    assert [path.name for path in checkpoints(run)] == ["step-00000100.safetensors", "step-30000000.safetensors"]
    assert len(list(run.checkpoints_path.iterdir())) == 2


@pytest.mark.parametrize("length", [0, 7, 1000, -1])
def test_a_truncated_checkpoint_is_named_with_its_mend(tmp_path, length):
    run, engine = new_run(tmp_path), small_engine()
    first = save(run, engine, 50)
    second = save(run, engine, 100)
    before = copies(engine.model.parameters())
    second.write_bytes(second.read_bytes()[:length])
    message = "step-00000100.safetensors is damaged .*: delete it to go on from step-00000050.safetensors$"
    with pytest.raises(CheckpointError, match=message):
        load_checkpoint(second, engine.model, engine.optimiser)
    first.write_bytes(first.read_bytes()[:length])
    with pytest.raises(CheckpointError, match=r"there is no earlier one; train anew beside it with --again$"):
        load_checkpoint(first, engine.model, engine.optimiser)
    assert all(map(torch.equal, before, engine.model.parameters()))


@pytest.fixture
def misfit(tmp_path):
    """A checkpoint, and an engine with a narrower network that it does not fit."""
    run, wide = new_run(tmp_path), small_engine()
    run_steps(wide, run, 2)
    config = dataclasses.replace(small_config(), model=TransformerConfig(d_model=16, num_heads=2, d_head=8, d_mlp=16))
    return save(run, wide, 2), grokking.build(config, 0, CPU)


def test_a_checkpoint_of_another_network_is_refused_and_leaves_the_network(misfit):
    path, engine = misfit
    before = copies(engine.model.parameters())
    with pytest.raises(CheckpointError, match=r"holds another network than run.json describes: restore either"):
        load_checkpoint(path, engine.model, engine.optimiser)
    assert all(map(torch.equal, before, engine.model.parameters()))


def test_a_checkpoint_of_another_network_leaves_the_optimiser(misfit):
    path, engine = misfit
    with pytest.raises(CheckpointError):
        load_checkpoint(path, engine.model, engine.optimiser)
    assert optimiser_tensors(engine) == []
