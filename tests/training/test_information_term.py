"""The information loss uses samples that have a direction, and is recorded without its weight."""

import dataclasses

import pytest
import torch

from grok.config import InformationTermConfig, OptimiserConfig, SampledInformationTermConfig
from grok.experiment import experiment
from grok.experiments import runner
from grok.information import gram_interplay, information_loss
from grok.training.checkpoint import checkpoints
from grok.training.draws import INDICES, sample_draws
from grok.training.information_term import InformationTerm
from grok.training.learner import Learner
from tests.experiments.helpers import EXPERIMENT, assert_same_record, interrupt_before, resume, setup, start
from tests.geometries import random_geometry
from tests.helpers import CPU, small_config
from tests.tolerances import entropy_rounding, measurement_rounding
from tests.training.test_stack import PAIRS, rows_of

KINDS = ["mutual_information", "entropy_difference", "mir", "hdr"]
TERM = "information/term"
LEFT_OUT = "information/left_out"


def make(kind="mir", weight=0.25, draws=None):
    return InformationTerm(InformationTermConfig(term=kind, weight=weight), CPU, draws)


def recorded(term):
    return {column: value.item() for column, value in term.values().items()}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("weight", [0.25, -2.0])
def test_it_is_weight_times_the_loss_and_what_is_recorded_is_without_the_weight(kind, weight):
    features, head, labels = random_geometry(12, num_classes=4, dim=5)
    expected = information_loss(features, head, labels, kind=kind).item()
    term = make(kind, weight)
    assert torch.isnan(term.values()[TERM])  # nothing yet
    assert term(features, head, labels).item() == pytest.approx(weight * expected, rel=1e-7)
    assert recorded(term) == {TERM: pytest.approx(expected, rel=1e-6), LEFT_OUT: 0}


MEASURED = {
    "mutual_information": lambda values: values.entropy_1 + values.entropy_2 - values.joint_entropy,
    "mir": lambda values: values.mir,
    "entropy_difference": lambda values: -(values.entropy_1 - values.entropy_2).abs(),
    "hdr": lambda values: -values.hdr,
}


@pytest.mark.parametrize("kind", MEASURED)
def test_a_weight_above_0_raises_what_is_shared_or_lowers_the_difference_and_one_below_the_reverse(kind):
    features, head, labels = random_geometry(30, num_classes=5, dim=8)
    measured = []
    for weight in (1.0, -1.0):
        variable = (features + 2).requires_grad_()
        make(kind, weight)(variable, head, labels).backward()
        moved = variable.detach() - variable.grad
        measured.append(MEASURED[kind](gram_interplay(moved, head[labels])).item())
    before = MEASURED[kind](gram_interplay(features + 2, head[labels])).item()
    assert measured[0] > before + 1e-4 > before - 1e-4 > measured[1]


@pytest.mark.parametrize("kind", KINDS)
def test_samples_without_a_direction_are_left_out_and_counted(kind):
    features, head, labels = random_geometry(14, num_classes=4, dim=5)
    features[[1, 6]] = 0.0
    features[5, 2] = torch.inf
    head[3] = 0.0
    used = labels != 3
    used[[1, 5, 6]] = False
    variables = [tensor.clone().requires_grad_() for tensor in (features, head)]
    expected = information_loss(features[used], head, labels[used], kind=kind)
    term = make(kind, 1.0)
    loss = term(*variables, labels)
    assert loss.item() == pytest.approx(expected.item(), abs=1e-12)
    loss.backward()
    assert all(variable.grad.isfinite().all() for variable in variables)
    assert not variables[0].grad[~used].any()
    assert recorded(term)[LEFT_OUT] == (~used).sum() == 6
    term(features, head, labels)
    assert recorded(term)[LEFT_OUT] == 12  # so far


@pytest.mark.parametrize("kind", KINDS)
def test_samples_that_do_not_count_are_neither_in_it_nor_left_out(kind):
    features, head, labels = random_geometry(14, num_classes=4, dim=5)
    features[[1, 2]] = 0.0
    counted = torch.arange(14) % 3 != 2
    used = counted.clone()
    used[1] = False
    term = make(kind, 1.0)
    expected = information_loss(features[used], head, labels[used], kind=kind)
    assert term(features, head, labels, counted).item() == pytest.approx(expected.item(), abs=1e-12)
    assert recorded(term)[LEFT_OUT] == 1


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("bad", [0.0, torch.nan])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_where_no_sample_has_a_direction_it_is_0_without_a_gradient(kind, bad, dtype):
    features = torch.full((6, 4), bad, dtype=dtype, requires_grad=True)
    head = random_geometry(6, num_classes=3, dim=4)[1].to(dtype).requires_grad_()
    term = make(kind)
    loss = term(features, head, torch.arange(6) % 3)
    loss.backward()
    assert loss.item() == 0
    assert not features.grad.any()
    assert not head.grad.any()
    assert recorded(term) == {TERM: 0, LEFT_OUT: 6}


def test_with_draws_each_step_takes_other_samples():
    features, head, labels = random_geometry(40, num_classes=4, dim=5)
    draws = sample_draws(40, size=8, seed=0, name="term", block=50, device=CPU)
    term = make("mutual_information", 1.0, draws)
    term.prepare(3, 4, order=0)
    found = [term(features, head, labels).item() for _ in range(4)]
    for step, value in enumerate(found, start=3):
        chosen = draws.at(step, order=0)[INDICES]
        expected = information_loss(features[chosen], head, labels[chosen], kind="mutual_information")
        assert value == pytest.approx(expected.item(), abs=1e-12)
    assert len(set(found)) == 4


INFORMATION = SampledInformationTermConfig(term="mutual_information", weight=0.3, samples=20)
CONFIG = small_config(steps=30, information=INFORMATION, accuracy="every:1")


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory):
    run, finished = start(tmp_path_factory.mktemp("uninterrupted"), CONFIG)
    assert finished
    return run


def test_row_t_has_the_term_of_the_update_that_led_to_it(uninterrupted):
    metrics = uninterrupted.metrics().set_index("step")
    member = experiment("grokking").build(CONFIG, 0, CPU)
    learner, model = member.learner, member.learner.model
    draws = learner.objective.term._draws
    assert metrics[TERM].isna().tolist() == [True] + 30 * [False]
    assert set(metrics[LEFT_OUT]) == {0}
    train = learner.samples("train")
    chosen = draws.at(0, order=0)[INDICES]
    features = model.features(train.inputs)[chosen].detach()
    expected = information_loss(features, model.head.weight.detach(), train.targets[chosen], kind=INFORMATION.term)
    error = 3 * entropy_rounding(torch.float32, INFORMATION.samples)  # mutual information is made of three entropies
    assert metrics[TERM][1] == pytest.approx(expected.item(), abs=error)
    assert abs(metrics[TERM][2] - metrics[TERM][1]) > 10 * error


@pytest.mark.parametrize("step", [0, 1, 13])
def test_an_interrupted_run_resumes_to_the_same_record_and_draws(tmp_path, monkeypatch, uninterrupted, step):
    with monkeypatch.context() as patch:
        interrupt_before(patch, step)
        run, finished = start(tmp_path, CONFIG)
    assert not finished
    assert resume(run, wandb="disabled")
    assert_same_record(run, uninterrupted)
    assert checkpoints(run)[30].read_bytes() == checkpoints(uninterrupted)[30].read_bytes()


def test_members_of_a_stack_have_their_own_terms(tmp_path):
    """Members that differ in seed, weight and number of training samples."""

    def member(index):
        information = dataclasses.replace(INFORMATION, weight=0.3 - 0.5 * index)
        config = small_config(
            information=information, optimiser=OptimiserConfig(learning_rate=1e-3 * (1 + index)), accuracy="every:1"
        )
        task = dataclasses.replace(config.task, train_fraction=0.4 + 0.1 * index)
        return experiment("grokking").build(dataclasses.replace(config, task=task), index, CPU)

    stacked = rows_of([member(index) for index in range(3)], tmp_path, steps=21)
    for index in range(3):
        (alone,) = rows_of([member(index)], tmp_path, steps=21)
        for (_, row), (_, expected) in zip(stacked[index], alone, strict=True):
            error = 3 * entropy_rounding(torch.float32, INFORMATION.samples)
            assert row.pop(TERM) == pytest.approx(expected[TERM], abs=error, nan_ok=True)
            others = {name: expected[name] for name in row}
            assert row == pytest.approx(others, **measurement_rounding(PAIRS, steps=21))
        assert len({row[TERM] for _, row in alone[1:]}) == 20


def test_a_tiny_weight_trains_as_none_does_and_without_a_term_there_are_no_columns(tmp_path):
    tiny = dataclasses.replace(CONFIG, information=dataclasses.replace(INFORMATION, weight=1e-9))
    plain = dataclasses.replace(CONFIG, information=SampledInformationTermConfig())
    (with_term,), (without,), (strong,) = (
        rows_of([experiment("grokking").build(config, 0, CPU)], tmp_path, steps=25) for config in (tiny, plain, CONFIG)
    )
    assert not any(name.startswith("information") for _, row in without for name in row)
    assert {TERM, LEFT_OUT} < set(with_term[0][1])
    losses, expected, moved = ([row["train/loss"] for _, row in rows] for rows in (with_term, without, strong))
    assert losses == pytest.approx(expected, rel=1e-5)
    assert moved[-1] != pytest.approx(expected[-1], rel=1e-3)


@pytest.mark.parametrize("stacked", [False, True], ids=["alone", "stacked"])
def test_a_run_that_diverges_ends_with_its_loss(tmp_path, stacked):
    """The error names the loss, not the eigenvalues of infinite numbers, and the rest of the stack continues."""
    wild = dataclasses.replace(CONFIG, optimiser=OptimiserConfig(rule="sgd", learning_rate=1e30, warmup_steps=0))
    wanted = [(wild, 0), (CONFIG, 1)] if stacked else [(wild, 0)]
    runs, _ = runner.start(EXPERIMENT, wanted, setup(tmp_path))
    assert runs[0].manifest()["status"] == "failed"
    assert runs[0].manifest()["error"].startswith("the training loss is nan at step 1: lower optimiser.learning_rate")
    if stacked:
        assert runs[1].manifest()["status"] == "finished"


def test_the_loss_at_the_end_is_without_the_term():
    learner: Learner = experiment("grokking").build(CONFIG, 0, CPU).learner
    learner.objective.term.prepare(0, 1, order=0)
    with_term, last = learner(())[0], learner((), last=True)[0]
    train = learner.samples("train")
    expected = learner.objective.criterion(learner.model(train.inputs), train.targets)
    assert last.item() == pytest.approx(expected.item(), rel=1e-12)
    assert (with_term - last).item() == pytest.approx(0.3 * learner.objective.term.values()[TERM].item(), rel=1e-5)
