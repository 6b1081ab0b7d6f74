"""A checkpoint restores network and optimiser bit for bit, or says why it cannot and changes nothing."""

import pytest
import torch

from grok.config import OptimiserConfig, TransformerConfig
from grok.training.checkpoint import CheckpointError, checkpoints, load_checkpoint, save_checkpoint
from grok.training.engine import Engine
from tests.helpers import new_run, run_steps, small_member, small_model


def copies(tensors):
    return [tensor.detach().clone() for tensor in tensors]


def optimiser_tensors(member):
    return list(member.optimiser.state().values())


def save(run, member, step):
    return save_checkpoint(run, step, member)


@pytest.mark.parametrize(
    "model",
    [small_model(), small_model(num_layers=2, layer_norm=True, tie_embeddings=True)],
    ids=["paper's", "deep, LayerNorm, tied"],
)
def test_a_loaded_network_takes_the_same_next_steps_bit_for_bit(tmp_path, model):
    run, trained = new_run(tmp_path), small_member(model=model, accuracy="every:1")
    engine = Engine([trained])
    run_steps(engine, run, 12)
    path = save(run, trained, 12)
    loaded = small_member(model=model, accuracy="every:1")
    with torch.no_grad():
        for parameter in loaded.learner.model.parameters():
            parameter.zero_()
    resumed = Engine([loaded], first_step=load_checkpoint(path, loaded))
    assert resumed.step == 12
    assert run_steps(engine, new_run(tmp_path), 5) == run_steps(resumed, new_run(tmp_path), 5)
    for expected, got in zip(trained.learner.parameters(), loaded.learner.parameters(), strict=True):
        assert torch.equal(expected, got)
    for expected, got in zip(optimiser_tensors(trained), optimiser_tensors(loaded), strict=True):
        assert torch.equal(expected, got)


def test_the_newest_two_are_kept(tmp_path):
    run, member = new_run(tmp_path), small_member()
    for step in (9, 100, 30_000_000):
        save(run, member, step)
    assert [path.name for path in checkpoints(run).values()] == [
        "step-00000100.safetensors",
        "step-30000000.safetensors",
    ]
    assert list(checkpoints(run)) == [100, 30_000_000]
    assert len(list(run.checkpoints_path.iterdir())) == 2


@pytest.mark.parametrize("length", [0, 7, 1000, -1])
def test_a_truncated_checkpoint_is_named_with_its_mend(tmp_path, length):
    run, member = new_run(tmp_path), small_member()
    first = save(run, member, 50)
    second = save(run, member, 100)
    before = copies(member.learner.parameters())
    second.write_bytes(second.read_bytes()[:length])
    message = "step-00000100.safetensors is damaged .*: delete it to continue from step-00000050.safetensors$"
    with pytest.raises(CheckpointError, match=message):
        load_checkpoint(second, member)
    first.write_bytes(first.read_bytes()[:length])
    with pytest.raises(CheckpointError, match=r"there is no earlier one; train anew beside it with --again$"):
        load_checkpoint(first, member)
    assert all(map(torch.equal, before, member.learner.parameters()))


@pytest.fixture
def misfit(tmp_path):
    """A checkpoint, and a narrower network that it does not fit."""
    run, wide = new_run(tmp_path), small_member()
    run_steps(Engine([wide]), run, 2)
    narrow = TransformerConfig(d_model=16, num_heads=2, d_head=8, d_mlp=16)
    return save(run, wide, 2), small_member(model=narrow)


def test_a_checkpoint_of_another_network_is_refused_and_leaves_the_network(misfit):
    path, member = misfit
    before = copies(member.learner.parameters())
    with pytest.raises(CheckpointError, match=r"holds another network than run.json describes: restore either"):
        load_checkpoint(path, member)
    assert all(map(torch.equal, before, member.learner.parameters()))


def test_a_checkpoint_of_another_network_leaves_the_optimiser(misfit):
    path, member = misfit
    before = copies(optimiser_tensors(member))
    with pytest.raises(CheckpointError):
        load_checkpoint(path, member)
    assert all(map(torch.equal, before, optimiser_tensors(member)))


@pytest.mark.parametrize(
    ("saved", "loaded"),
    [({}, {"rule": "sgd"}), ({}, {"grokfast": 2.0}), ({"grokfast": 2.0}, {}), ({"rule": "muon"}, {})],
)
def test_a_checkpoint_without_the_optimisers_state_or_with_anothers_is_refused(tmp_path, saved, loaded):
    run, trained = new_run(tmp_path), small_member(optimiser=OptimiserConfig(**saved), seed=1)
    path, member = save(run, trained, 2), small_member(optimiser=OptimiserConfig(**loaded))
    before = copies(member.learner.parameters())
    with pytest.raises(CheckpointError, match=r"holds another optimiser than run.json describes: restore either"):
        load_checkpoint(path, member)
    assert all(map(torch.equal, before, member.learner.parameters()))
