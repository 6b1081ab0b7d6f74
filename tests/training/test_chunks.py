"""A step in chunks is the plain step up to rounding, and the same to the last bit for any number of threads."""

import itertools
import threading

import pytest
import torch

from grok.config import SampledInformationTermConfig
from grok.models.gradients import Gradients
from grok.training import chunks
from grok.training.chunks import Chunks
from grok.training.stack import Stack
from grok.training.workers import one_thread_per_operation
from tests.experiments.helpers import assert_same_record, start
from tests.helpers import small_config, small_member, small_model
from tests.tolerances import rounding

MODELS = {"written out": {}, "tied": {"tie_embeddings": True}, "by autograd": {"num_layers": 2, "layer_norm": True}}


@pytest.fixture
def threads():
    before = torch.get_num_threads()
    yield torch.set_num_threads
    torch.set_num_threads(before)


def computed(learner, known):
    return [known.loss.detach(), known.features, known.logits, *torch.autograd.grad(known.loss, learner.trained)]


@pytest.mark.parametrize("largest", [7, 30, 1000])
@pytest.mark.parametrize("model", MODELS.values(), ids=MODELS.keys())
def test_loss_and_gradients_are_those_of_all_samples_at_once(monkeypatch, model, largest):
    monkeypatch.setattr(chunks, "CHUNK_SIZE", largest)
    learner = small_member(model=small_model(**model)).learner
    train = learner.samples("train")
    in_chunks = computed(learner, Chunks(learner.model, train, learner.objective.criterion)())
    loss, _ = learner(())
    features = learner.model.features(train.inputs)
    plain = [loss.detach(), features, learner.model.head(features), *torch.autograd.grad(loss, learner.trained)]
    for ours, expected in zip(in_chunks, plain, strict=True):
        assert (ours - expected).norm() <= 10 * rounding(torch.float32, train.count) * expected.norm()


@pytest.mark.parametrize("model", MODELS.values(), ids=MODELS.keys())
def test_the_number_of_threads_changes_no_bit(monkeypatch, threads, model):
    monkeypatch.setattr(chunks, "CHUNK_SIZE", 9)
    learner = small_member(model=small_model(**model)).learner
    results = []
    for count in (1, 2, 3):
        threads(count)
        with one_thread_per_operation():
            known = Chunks(learner.model, learner.samples("train"), learner.objective.criterion)()
            results.append([tensor.clone() for tensor in computed(learner, known)])
    for other in results[1:]:
        assert all(torch.equal(one, two) for one, two in zip(results[0], other, strict=True))


def test_the_gradient_is_scaled_by_what_follows_the_loss():
    learner = small_member().learner
    in_chunks = Chunks(learner.model, learner.samples("train"), learner.objective.criterion)
    once, thrice = (torch.autograd.grad(factor * in_chunks().loss, learner.trained) for factor in (1, 3))
    torch.testing.assert_close(thrice, tuple(3 * gradient for gradient in once))


def test_a_thread_may_overwrite_its_logits_while_another_needs_its_own(monkeypatch, threads):
    """The loss keeps its logits for the gradient, and another chunk is computed before that gradient."""
    monkeypatch.setattr(chunks, "CHUNK_SIZE", 40)
    learner = small_member().learner
    calls, saved, overwritten = itertools.count(), threading.Event(), threading.Event()

    def loss(logits, targets):
        if next(calls):
            assert saved.wait(60)
            logits.detach().mul_(1)
            overwritten.set()
            return logits.pow(3).sum()
        value = logits.pow(3).sum()
        saved.set()
        assert overwritten.wait(60)
        return value

    threads(2)
    with one_thread_per_operation():
        Chunks(learner.model, learner.samples("train"), loss)()
    assert next(calls) == 2


def test_one_member_trains_in_chunks_and_several_do_not():
    one, other = (small_member(seed=seed).learner for seed in (0, 1))
    assert Stack([one]).in_chunks
    assert not Stack([one, other]).in_chunks
    assert not one.objective.in_chunks
    assert Stack([other]).in_chunks


def test_an_information_loss_needs_all_samples_at_once():
    term = SampledInformationTermConfig(term="mir", weight=0.1, samples=16)
    assert not Stack([small_member(information=term).learner]).in_chunks


def test_a_record_is_the_same_to_the_last_bit_with_one_thread_and_with_two(tmp_path, monkeypatch, threads):
    monkeypatch.setattr(chunks, "CHUNK_SIZE", 20)
    records = []
    for count in (1, 2):
        threads(count)
        run, finished = start(tmp_path / str(count), small_config(steps=30))
        assert finished
        records.append(run)
    assert_same_record(*records)


def test_a_gradient_that_two_parameters_share_is_summed_for_each():
    """Autograd returns one tensor for both parameters of a sum."""
    shared = torch.ones(3)
    chunk = Gradients(torch.tensor(0.5), [], [shared, shared])
    total = chunks._sum([chunk, Gradients(torch.tensor(0.25), [], [torch.ones(3), 2 * torch.ones(3)])])
    assert total.loss == 0.75
    assert [gradient.tolist() for gradient in total.parameters] == [[2.0] * 3, [3.0] * 3]
