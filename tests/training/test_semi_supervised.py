"""FreeMatch and FixMatch agree with their papers, and only the targets of labelled samples teach."""

import copy

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from grok.config import InformationTermConfig
from grok.information import information_loss
from grok.training.learner import Learner
from grok.training.semi_supervised import AdaptiveThresholds, FixedThreshold
from tests.experiments.images import (
    assert_equal_states,
    build,
    only,
    semi_supervised_config,
    state_of,
    train,
)
from tests.helpers import CPU
from tests.reference.freematch import FreeMatch
from tests.tolerances import entropy_rounding, rounding

CLASSES = 7


def logits(step, size=40, *, classes=CLASSES):
    """Predictions of consecutive batches, which become sharper and favour the first classes."""
    generator = torch.Generator().manual_seed(step)
    drawn = torch.randn(size, classes, generator=generator, dtype=torch.float64)
    return (1 + step) * drawn + torch.linspace(1, -1, classes, dtype=torch.float64)


def adaptive(decay, *, classes=CLASSES):
    return AdaptiveThresholds(classes, decay, CPU).double()


@pytest.mark.parametrize("decay", [0.999, 0.9, 0.5])
def test_adaptive_thresholds_and_fairness_are_those_of_the_paper_batch_after_batch(decay):
    ours, papers = adaptive(decay), FreeMatch(CLASSES, decay)
    ours.confidence.fill_(0.6)  # as after a while
    papers.threshold = 0.6
    shares = []
    for step in range(6):
        weak, strong = logits(step), logits(step + 100)
        strong = strong / 40 if step % 2 else strong  # by turns unsure and sure
        used = ours(weak.softmax(dim=-1))
        fairness = ours.fairness(strong.softmax(dim=-1), used)
        expected_used, _, _, expected_fairness = papers.batch(weak.numpy(), strong.numpy())
        assert used.tolist() == expected_used
        assert fairness.item() == pytest.approx(expected_fairness, rel=1e-6)
        assert ours.value().item() == pytest.approx(papers.threshold, rel=1e-6)
        assert ours.predicted.tolist() == pytest.approx(papers.p, rel=1e-6)
        assert ours.histogram.tolist() == pytest.approx(papers.h, rel=1e-6)
        shares.append(sum(expected_used) / len(expected_used))
    assert 0 < min(shares) < 0.8


def test_averages_are_a_share_of_each_class_at_first():
    thresholds = adaptive(0.9, classes=4)
    assert thresholds.value() == 0.25
    assert thresholds.predicted.tolist() == thresholds.histogram.tolist() == [0.25] * 4


def test_a_class_that_has_never_been_predicted_has_no_part_in_fairness():
    thresholds, papers = adaptive(0.0), FreeMatch(CLASSES, 0.0)
    weak, strong = logits(3), logits(103).requires_grad_()
    weak[:, 2] = -3.0
    used = thresholds(weak.softmax(dim=-1))
    fairness = thresholds.fairness(strong.softmax(dim=-1), used)
    assert thresholds.histogram[2] == 0
    assert fairness.item() == pytest.approx(papers.batch(weak.numpy(), strong.detach().numpy())[3], rel=1e-9)
    fairness.backward()
    assert strong.grad.isfinite().all()
    assert not strong.grad[~used].any()
    assert strong.grad[used].any()


def test_a_share_too_small_to_divide_by_leaves_fairness_a_number():
    thresholds = AdaptiveThresholds(CLASSES, 1.0, CPU)
    thresholds.histogram[2] = 1e-44
    predictions = logits(1).float().softmax(dim=-1)
    assert thresholds.fairness(predictions, torch.ones(40, dtype=torch.bool)).isfinite()


def test_a_fixed_threshold_takes_what_is_at_least_as_sure_and_is_fair_to_nobody():
    threshold = FixedThreshold(0.75, CPU)
    probabilities = torch.tensor([[0.75, 0.25], [0.74, 0.26], [0.1, 0.9], [0.5, 0.5]])
    assert threshold(probabilities).tolist() == [True, False, True, False]
    assert threshold.fairness(probabilities, threshold(probabilities)) == 0
    assert threshold.value() == 0.75


# The whole objective


def learner_of(**settings) -> Learner:
    learner = build("semi-supervised", semi_supervised_config(**settings)).learner
    learner.train()
    return learner


def batch_and_logits(model: nn.Module, objective, step):
    """The batches of a step, with logits and features of all views from one pass through the network."""
    inputs, targets = objective.batches.batch(step, order=0)
    weak, strong, true = objective.unlabelled.batch(step, order=0)
    features = model.features(torch.cat([inputs, weak, strong]))
    parts = [each.split([len(inputs), len(weak), len(strong)]) for each in (features, model.head(features))]
    return targets, true, *parts


@pytest.mark.parametrize("method", ["freematch", "fixmatch"])
def test_the_loss_is_that_of_the_paper_step_after_step(method):
    of_method = {"freematch": {"fairness_weight": 0.3, "threshold_decay": 0.8}, "fixmatch": {"threshold": 0.2}}
    learner = learner_of(method=method, unlabelled_weight=0.7, label_smoothing=0.1, **of_method[method])
    objective, model, papers = learner.objective, learner.model, FreeMatch(10, 0.8)
    optimiser = torch.optim.SGD(model.parameters(), lr=0.1)
    objective.prepare(0, 6, order=0)
    shares = []
    for step in range(6):
        before = copy.deepcopy(model)
        with torch.no_grad():
            targets, true, _, parts = batch_and_logits(before, objective, step)
        of_labelled, weak, strong = parts
        used, pseudo, consistency, fairness = papers.batch(weak.double().numpy(), strong.double().numpy())
        if method == "fixmatch":
            sure = weak.softmax(dim=-1).amax(dim=-1) >= 0.2
            used, fairness = sure.tolist(), 0.0
            consistency = (sure * F.cross_entropy(strong, torch.tensor(pseudo), reduction="none")).mean().item()
        labelled = F.cross_entropy(of_labelled, targets, label_smoothing=0.1).item()
        right = np.array(pseudo)[used] == true.numpy()[used]

        loss, _ = learner(())
        error = 3 * rounding(torch.float32, 72)  # of a mean over 72 signals whose losses are about log 10
        assert loss.item() == pytest.approx(labelled + 0.7 * consistency + 0.3 * fairness, rel=error, abs=error)
        assert {name: value.item() for name, value in objective.values().items()} == pytest.approx(
            {
                "objective/labelled": labelled,
                "objective/consistency": consistency,
                "objective/fairness": fairness,
                "pseudo_labels/used": sum(used) / len(used),
                "pseudo_labels/accuracy": right.mean(),
                "pseudo_labels/threshold": papers.threshold if method == "freematch" else 0.2,
            },
            rel=error,
            abs=error,
        )
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        shares.append(sum(used) / len(used))
    assert 0 < min(shares) < max(shares) <= 1


class Given:
    """A stand-in for a network with given features, which shows the features that a loss moves."""

    def __init__(self, objective, head, *, scale=20.0):
        sizes = [24, 72, 72]
        drawn = torch.randn(sum(sizes), head.in_features, generator=torch.Generator().manual_seed(0))
        self.features = (scale * drawn).requires_grad_()
        objective.prepare(0, 1, order=0)
        self.loss = objective(lambda inputs: self.features, head)
        (gradient,) = torch.autograd.grad(self.loss, self.features)
        self.labelled, self.weak, self.strong = gradient.split(sizes)


@pytest.mark.parametrize("method", ["freematch", "fixmatch"])
@pytest.mark.parametrize("term", [None, "mutual_information"])
def test_no_gradient_flows_through_weak_predictions_nor_through_views_that_are_not_used(method, term):
    information = InformationTermConfig(term=term, weight=0.1) if term else InformationTermConfig()
    settings = {"threshold": 0.9} if method == "fixmatch" else {"threshold_decay": 0.1}
    learner = learner_of(method=method, information=information, **settings)
    given = Given(learner.objective, learner.model.head, scale=3.0)
    used = given.strong.any(dim=-1)
    assert used.double().mean() == pytest.approx(learner.objective.values()["pseudo_labels/used"].item(), abs=1e-6)
    assert 5 < used.sum() < 67
    assert not given.weak.any()
    assert given.labelled.any(dim=-1).all()


@pytest.mark.parametrize("method", ["freematch", "fixmatch"])
@pytest.mark.parametrize("term", [None, "mir"])
def test_where_no_pseudo_label_is_used_the_labelled_samples_alone_teach(method, term):
    information = InformationTermConfig(term=term, weight=0.5) if term else InformationTermConfig()
    learner = learner_of(method=method, information=information)
    objective, head = learner.objective, learner.model.head
    objective.thresholds = FixedThreshold(1.0, CPU) if method == "fixmatch" else AdaptiveThresholds(10, 1.0, CPU)
    objective.thresholds.confidence.fill_(1.0)
    if method == "freematch":
        objective.thresholds.predicted.fill_(0.1)
    given = Given(objective, head, scale=0.1)
    targets = objective.batches.batch(0, order=0)[1]
    features = given.features[:24].detach()
    expected = F.cross_entropy(head(features), targets)
    if term:
        expected = expected + 0.5 * information_loss(features, head.weight, targets, kind=term)
    assert given.loss.item() == pytest.approx(expected.item(), rel=1e-6)
    assert not given.strong.any()
    assert given.labelled.isfinite().all()
    values = objective.values()
    assert (values["pseudo_labels/used"], values["objective/consistency"], values["objective/fairness"]) == (0, 0, 0)
    assert values["pseudo_labels/accuracy"].isnan()  # of none


@pytest.mark.parametrize("kind", ["mutual_information", "entropy_difference", "mir", "hdr"])
def test_the_term_is_of_the_labelled_samples_and_the_strong_views_that_are_used_by_their_pseudo_labels(kind):
    information = InformationTermConfig(term=kind, weight=-0.4)
    with_term, without = (
        learner_of(information=each, threshold_decay=0.5) for each in (information, InformationTermConfig())
    )
    papers = FreeMatch(10, 0.5)
    for learner in (with_term, without):
        learner.objective.prepare(2, 1, order=0)
    model = copy.deepcopy(with_term.model)
    targets, _, (labelled, _, strong), (_, of_weak, of_strong) = batch_and_logits(model, with_term.objective, 2)
    used, pseudo, _, _ = papers.batch(of_weak.detach().double().numpy(), of_strong.detach().double().numpy())
    features, labels = torch.cat([labelled, strong[used]]), torch.cat([targets, torch.tensor(pseudo)[used]])
    expected = information_loss(features, model.head.weight, labels, kind=kind).item()
    error = 3 * entropy_rounding(torch.float32, len(features))  # of three entropies
    assert (with_term(())[0] - without(())[0]).item() == pytest.approx(-0.4 * expected, abs=error)
    assert with_term.objective.values()["information/term"].item() == pytest.approx(expected, abs=error)
    assert abs(expected) > 10 * error
    assert with_term.objective.values()["information/left_out"] == 0
    assert 0 < sum(used) < len(used)


@pytest.mark.parametrize("method", ["freematch", "fixmatch"])
def test_true_targets_of_unlabelled_samples_change_what_is_told_of_pseudo_labels_and_nothing_else(tmp_path, method):
    settings = {"threshold": 0.3} if method == "fixmatch" else {}
    information = InformationTermConfig(term="mir", weight=0.5)
    config = semi_supervised_config(
        method=method, steps=12, information=information, probes=only(accuracy="every:1"), **settings
    )
    found = []
    for permuted in (False, True):
        member = build("semi-supervised", config)
        unlabelled = member.learner.objective.unlabelled
        if permuted:
            order = torch.randperm(len(unlabelled.targets), generator=torch.Generator().manual_seed(0))
            unlabelled.targets = unlabelled.targets[order]
        rows = train(tmp_path, member)
        found.append((state_of(member), rows))
    (state, rows), (other_state, other_rows) = found
    assert_equal_states(state, other_state)
    accuracies = [[row.pop("pseudo_labels/accuracy") for row in each.values()] for each in (rows, other_rows)]
    assert accuracies[0] != pytest.approx(accuracies[1], nan_ok=True)
    assert list(rows.values())[1:] == list(other_rows.values())[1:]
