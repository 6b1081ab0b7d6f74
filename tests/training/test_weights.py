"""A run keeps its measured network at the steps of a schedule, and gives it back bit for bit."""

import pytest
import torch

from grok.experiment import experiment
from grok.experiments import runner
from grok.tracking import StoreError
from grok.training.weights import folder_of, keep_weights, kept_weights, load_weights, network_tensors
from tests.experiments.helpers import EXPERIMENT, assert_same_record, interrupt_before, resume, setup
from tests.helpers import CPU, new_run, small_config, small_member, small_model


def trained(root, *, weights="log:2", seeds=(0,), **config):
    wanted = [(small_config(steps=60, **config), seed) for seed in seeds]
    return runner.start(EXPERIMENT, wanted, setup(root, weights=weights))


def test_networks_are_kept_at_the_steps_of_the_schedule_and_at_the_end(tmp_path, capsys):
    (run,), finished = trained(tmp_path)
    assert finished
    assert list(kept_weights(run)) == [0, 1, 3, 10, 32, 60]
    assert run.manifest()["weights"] == "log:2"
    assert "weights: at most 6 networks are kept, 0.1 MiB in all\n" in capsys.readouterr().err


def test_keeping_networks_changes_nothing_of_the_record(tmp_path):
    (with_weights,), _ = trained(tmp_path / "with", weights="every:7")
    (without,), _ = trained(tmp_path / "without", weights="off")
    assert_same_record(with_weights, without)
    assert not folder_of(without).exists()


def test_a_kept_network_has_the_loss_and_accuracy_of_the_record(tmp_path):
    (run,), _ = trained(tmp_path, accuracy="every:1")
    record = run.metrics().set_index("step")
    for step in kept_weights(run):
        member = small_member()
        load_weights(run, step, member)
        snapshot = member.learner.snapshot()
        for split in ("train", "test"):
            assert snapshot.loss(split).item() == pytest.approx(record[f"{split}/loss"][step], rel=1e-6)
            right = snapshot.logits(split).argmax(dim=1) == snapshot.targets(split)
            assert right.double().mean().item() == record[f"{split}/accuracy"][step]


def test_an_interrupted_run_keeps_the_same_networks(tmp_path, monkeypatch):
    (whole,), _ = trained(tmp_path / "whole")
    with monkeypatch.context() as patch:
        interrupt_before(patch, 25)
        (run,), finished = trained(tmp_path / "halves")
    assert not finished
    assert list(kept_weights(run)) == [0, 1, 3, 10]
    keep_weights(run, 999, small_member())  # of an earlier attempt that came further
    assert resume(run)
    assert {step: path.read_bytes() for step, path in kept_weights(run).items()} == {
        step: path.read_bytes() for step, path in kept_weights(whole).items()
    }


def test_each_member_of_a_stack_keeps_its_own(tmp_path):
    runs, _ = trained(tmp_path, seeds=(0, 1))
    last = []
    for seed, run in enumerate(runs):
        assert list(kept_weights(run)) == [0, 1, 3, 10, 32, 60]
        member = small_member(seed=seed)
        first = {name: tensor.clone() for name, tensor in network_tensors(member).items()}
        load_weights(run, 0, member)
        assert all(torch.equal(first[name], tensor) for name, tensor in network_tensors(member).items())
        load_weights(run, 60, member)
        last.append(member.learner.model.head.weight)
    assert not torch.equal(*last)


def test_the_average_is_kept_where_it_is_what_is_measured():
    semi_supervised = experiment("semi-supervised")
    learner = (member := semi_supervised.build(semi_supervised.presets["laptop"](), 0, CPU)).learner
    kept = network_tensors(member)
    assert (
        kept["head.weight"].data_ptr() == learner.average.head.weight.data_ptr() != learner.model.head.weight.data_ptr()
    )


def test_a_step_that_was_not_kept_is_an_error_that_names_the_nearest(tmp_path):
    run, member = new_run(tmp_path), small_member()
    with pytest.raises(StoreError, match=r"kept no network at step 5: it kept none; train it with --weights log:6$"):
        load_weights(run, 5, member)
    for step in (0, 10, 20, 3000, 40_000):
        keep_weights(run, step, member)
    with pytest.raises(StoreError, match=r"at step 25: the nearest are 10, 20, 3,000, 40,000$"):
        load_weights(run, 25, member)
    with pytest.raises(StoreError, match=r"at step 50,000: the nearest are 3,000, 40,000$"):
        load_weights(run, 50_000, member)


def test_a_damaged_or_foreign_file_is_an_error_and_changes_nothing(tmp_path):
    run, member = new_run(tmp_path), small_member()
    before = member.learner.model.head.weight.clone()
    keep_weights(run, 7, small_member(model=small_model(tie_embeddings=True)))
    with pytest.raises(StoreError, match=r"step-00000007\.safetensors holds another network than run\.json describes"):
        load_weights(run, 7, member)
    path = kept_weights(run)[7]
    path.write_bytes(path.read_bytes()[:-9])
    with pytest.raises(StoreError, match=r"step-00000007\.safetensors is damaged .*: restore it from a copy"):
        load_weights(run, 7, member)
    assert torch.equal(before, member.learner.model.head.weight)
