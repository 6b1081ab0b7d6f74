"""Two children of one initialisation are stored, and the networks between them are interpolated as defined."""

import dataclasses

import pytest
import torch
import torch.nn.functional as F

from grok.config import ConnectivityConfig, OptimiserConfig, SupervisedConfig
from grok.experiment import experiment
from grok.experiments import connectivity
from grok.experiments.connectivity import training
from tests.experiments.helpers import start
from tests.experiments.images import (
    DIGITS,
    SIGNALS,
    assert_equal_states,
    assert_resumes_bit_for_bit,
    build,
    probes,
    state_of,
    train,
)

alike = experiment("connectivity").alike

STEPS, POINTS, BATCHES = 9, 3, 4
PLAIN, RECOMPUTED = 2 * STEPS, 2 * STEPS + POINTS  # the first rows of either pass over the networks between
LAST = RECOMPUTED + POINTS - 1
OMEGAS = [0.0, 0.5, 1.0]


def make_config(setting=SIGNALS, **settings):
    defaults = {"steps": STEPS, "points": POINTS, "recompute_batches": BATCHES, "probes": probes("every:4")}
    return ConnectivityConfig(**setting | defaults | settings)


class Trained:
    """A whole run: its rows, and the network that each row measures."""

    def __init__(self, root, config):
        self.member = build("connectivity", config)
        self.states = {}
        learner = self.member.learner
        snapshot = learner.snapshot

        def seen(known=None, **how):
            self.states[len(self.states)] = state_of(self.member)
            return snapshot(known, **how)

        learner.snapshot = seen  # which a step asks for before it trains
        self.rows = train(root, self.member)
        learner.snapshot = snapshot

    def measured(self, step):
        """A row without the columns that distinguish its phase."""
        return {name: value for name, value in self.rows[step].items() if not name.startswith("connectivity/")}


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    return Trained(tmp_path_factory.mktemp("trained"), make_config())


def child(root, order):
    """A member that trains alone, by standard training, in one of the orders."""
    config = make_config(probes=probes("every:1"))
    settings = {field.name: getattr(config, field.name) for field in dataclasses.fields(SupervisedConfig)}
    member = build("supervised", SupervisedConfig(**settings))
    phase, _ = member.phases.at(0)
    object.__setattr__(phase, "order", order)
    rows = train(root, member)
    return member, rows


def test_each_child_is_standard_training_from_the_same_beginning_in_an_order_of_its_own(tmp_path, trained):
    for order, first in ((training.FIRST, 0), (training.SECOND, STEPS)):
        member, rows = child(tmp_path, order)
        assert_equal_states(trained.states[first], trained.states[0])
        compared = [step for step in trained.rows if first <= step < first + STEPS]
        assert len(compared) >= 2
        for step in compared:
            assert trained.measured(step) == rows[step - first]
        omega = PLAIN if order == training.FIRST else PLAIN + POINTS - 1
        assert_equal_states(trained.states[omega], state_of(member))
        assert trained.measured(omega) == rows[STEPS]


def test_every_row_tells_its_omega_and_whether_statistics_are_recomputed(trained):
    told = {
        step: (row[connectivity.OMEGA], row[connectivity.RECOMPUTED])
        for step, row in trained.rows.items()
        if connectivity.OMEGA in row
    }
    between = {PLAIN + place: (omega, 0.0) for place, omega in enumerate(OMEGAS)}
    between |= {RECOMPUTED + place: (omega, 1.0) for place, omega in enumerate(OMEGAS)}
    children = {0: (0.0, 0.0), 4: (0.0, 0.0), 8: (0.0, 0.0), 12: (1.0, 0.0), 16: (1.0, 0.0)}
    assert told == children | between


def test_all_is_measured_on_every_network_between(trained):
    columns = set(trained.rows[0])
    assert {"test/accuracy", "interplay/sample/test/mir", "collapse/test/nc1", "rank/features/test"} < columns
    for step in range(PLAIN, LAST + 1):
        assert set(trained.rows[step]) == columns
    assert max(trained.rows) == LAST == make_config().total_steps


def test_the_network_halfway_is_the_mean_of_both_in_weights_and_statistics(trained):
    first, second = trained.states[PLAIN], trained.states[PLAIN + 2]
    halfway = trained.states[PLAIN + 1]
    for name, tensor in halfway.items():
        if tensor.is_floating_point():
            torch.testing.assert_close(tensor, (first[name] + second[name]) / 2, rtol=1e-6, atol=1e-7)
    assert not torch.equal(first["head.weight"], second["head.weight"])
    model = build("connectivity", make_config()).learner.model
    model.load_state_dict(halfway)
    test = trained.member.learner.samples("test")
    logits = model.eval()(test.inputs)
    row = trained.rows[PLAIN + 1]
    assert row["test/loss"] == pytest.approx(F.cross_entropy(logits, test.targets).item(), rel=1e-6)
    assert row["test/accuracy"] == (logits.argmax(dim=1) == test.targets).double().mean().item()


@pytest.mark.parametrize("place", range(POINTS))
def test_recomputed_statistics_are_means_over_training_batches_with_the_weights_as_they_are(trained, place):
    plain, recomputed = trained.states[PLAIN + place], trained.states[RECOMPUTED + place]
    for name, tensor in recomputed.items():
        if "running" not in name and "tracked" not in name:
            assert torch.equal(tensor, plain[name]), name
    model = build("connectivity", make_config()).learner.model
    model.load_state_dict(plain)
    means, variances = [[] for _ in model.norms], [[] for _ in model.norms]
    with torch.no_grad():
        for batch in range(BATCHES):
            x, _ = trained.member.learner.objective.batches.batch(batch, order=training.RECOMPUTING)
            for layer, (conv, norm) in enumerate(zip(model.convs, model.norms, strict=True)):
                x = conv(x)
                mean, variance = x.mean(dim=(0, 2)), x.var(dim=(0, 2))
                means[layer].append(mean)
                variances[layer].append(variance)
                normalised = (x - mean[:, None]) / (x.var(dim=(0, 2), correction=0)[:, None] + norm.eps).sqrt()
                x = (normalised * norm.weight[:, None] + norm.bias[:, None]).clamp(min=0)
    for layer in range(3):
        for kind, values in (("mean", means), ("var", variances)):
            expected = torch.stack(values[layer]).mean(dim=0)
            found = recomputed[f"norms.{layer}.running_{kind}"]
            torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-5)
        assert not torch.allclose(recomputed[f"norms.{layer}.running_var"], plain[f"norms.{layer}.running_var"])


def test_batches_for_statistics_are_no_childs(trained):
    batches = trained.member.learner.objective.batches
    orders = (training.FIRST, training.SECOND, training.RECOMPUTING)
    first, second, recomputing = (batches.batch(0, order=order)[0] for order in orders)
    assert not torch.equal(first, second)
    assert not torch.equal(first, recomputing)
    assert not torch.equal(second, recomputing)


def test_a_network_without_batch_normalisation_is_the_same_in_both_passes(tmp_path):
    rows = train(tmp_path, build("connectivity", make_config(DIGITS)))
    for place in range(POINTS):
        plain, recomputed = rows[PLAIN + place], rows[RECOMPUTED + place]
        assert recomputed == plain | {connectivity.RECOMPUTED: 1.0}


CONFIG = make_config(steps=30)
BEGINS = 2 * 30


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory):
    run, finished = start(tmp_path_factory.mktemp("uninterrupted"), CONFIG, experiment=experiment("connectivity"))
    assert finished
    return run


@pytest.mark.parametrize(
    "step",
    [0, 13, 29, 30, 31, 50, BEGINS - 1, BEGINS, BEGINS + 1, BEGINS + 2, BEGINS + 3, BEGINS + 4],
    ids=lambda step: f"step {step}",
)
def test_a_run_interrupted_in_any_phase_resumes_to_the_same_record_and_networks(
    tmp_path, monkeypatch, uninterrupted, step
):
    assert_resumes_bit_for_bit(tmp_path, monkeypatch, experiment("connectivity"), CONFIG, uninterrupted, step)


def test_what_is_off_is_measured_on_no_network(tmp_path):
    config = make_config(DIGITS, steps=3, probes=dataclasses.replace(probes("off"), accuracy="off", norms="every:1"))
    rows = train(tmp_path, build("connectivity", config))
    assert not any("test/accuracy" in row for row in rows.values())
    assert [row[connectivity.OMEGA] for step, row in rows.items() if step >= 6] == OMEGAS + OMEGAS


def test_the_presets_train_children_as_standard_training_does():
    for name, preset in experiment("connectivity").presets.items():
        config, plain = preset(), experiment("supervised").presets[name]()
        for field in dataclasses.fields(plain):
            assert getattr(config, field.name) == getattr(plain, field.name), (name, field.name)
    assert (connectivity.paper().points, connectivity.paper().recompute_batches) == (21, 50)


def test_runs_that_differ_in_their_rule_can_share_a_stack_and_those_of_other_points_cannot():
    config = make_config()
    assert alike(dataclasses.replace(config, optimiser=OptimiserConfig())) == experiment("connectivity").alike(config)
    assert alike(dataclasses.replace(config, points=4)) != alike(config)
