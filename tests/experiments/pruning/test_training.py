"""A trained network is pruned to exact fractions and fine-tuned, from the network that the schedule selects."""

import dataclasses

import pytest
import torch

from grok.config import OptimiserConfig, PruningConfig, SupervisedConfig
from grok.experiment import experiment
from grok.experiments import pruning
from grok.information import gram_interplay
from grok.training.engine import TrainingError
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

STEPS, FINE_TUNING = 9, 4
SPARSITIES = (0.0, 0.3, 0.6)
BEGINS = [STEPS + place * (FINE_TUNING + 1) for place in range(3)]  # the rows right after pruning
ENDS = [begin + FINE_TUNING for begin in BEGINS]  # and those after fine-tuning
SCHEDULES = ("one-shot", "iterative")
both = pytest.mark.parametrize("schedule", SCHEDULES)


def make_config(setting=DIGITS, **settings):
    defaults = {
        "steps": STEPS,
        "sparsities": SPARSITIES,
        "fine_tune_steps": FINE_TUNING,
        "fine_tune_learning_rate": 0.01,
        "probes": probes("every:4"),
    }
    return PruningConfig(**setting | defaults | settings)


class Trained:
    """A whole run: its rows, and the network and optimiser that each row measures."""

    def __init__(self, root, config):
        self.member = build("pruning", config)
        self.states, self.optimisers, self.features = {}, {}, {}
        self.rows = {}
        learner = self.member.learner
        observe = learner.observe

        def seen(due, snapshot):
            step = len(self.states)
            self.states[step] = state_of(self.member)
            self.optimisers[step] = {name: tensor.clone() for name, tensor in self.member.optimiser.state().items()}
            self.features[step] = {split: snapshot.features(split).clone() for split in ("train", "test")}
            return observe(due, snapshot)

        learner.observe = seen  # which a step calls before it trains
        self.rows = train(root, self.member)


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    root = tmp_path_factory.mktemp("trained")
    return {schedule: Trained(root, make_config(schedule=schedule)) for schedule in SCHEDULES}


def weights(state):
    """All matrices and kernels as one vector."""
    return torch.cat([tensor.flatten() for tensor in state.values() if tensor.ndim > 1])


def fraction_of_zeros(state):
    return (weights(state) == 0).double().mean().item()


def exact(sparsity, state):
    size = weights(state).numel()
    return round(sparsity * size) / size


@both
def test_the_fraction_of_a_row_is_exactly_that_of_its_network_from_pruning_to_the_end_of_fine_tuning(trained, schedule):
    run = trained[schedule]
    assert sorted(run.states) == list(range(ENDS[-1] + 1))
    for sparsity, begin, end in zip(SPARSITIES, BEGINS, ENDS, strict=True):
        for step in range(begin, end + 1):
            assert fraction_of_zeros(run.states[step]) == exact(sparsity, run.states[step]), step
            assert run.rows.get(step, {}).get(pruning.SPARSITY, sparsity) == sparsity
        assert run.rows[begin][pruning.SPARSITY] == run.rows[end][pruning.SPARSITY] == sparsity
    assert [run.rows[step][pruning.SPARSITY] for step in (0, 4, 8)] == [0.0] * 3
    assert max(run.rows) == ENDS[-1] == make_config().total_steps


@both
def test_before_and_after_fine_tuning_all_is_measured(trained, schedule):
    rows = trained[schedule].rows
    columns = set(rows[0]) | {name for name in rows[BEGINS[0]] if name.startswith("interplay/before-after")}
    assert len(columns - set(rows[0])) == 10
    for step in (*BEGINS, *ENDS):
        assert set(rows[step]) == columns


@both
def test_the_training_before_is_standard_training(tmp_path, trained, schedule):
    config = make_config()
    settings = {field.name: getattr(config, field.name) for field in dataclasses.fields(SupervisedConfig)}
    member = build("supervised", SupervisedConfig(**settings))
    rows, run = train(tmp_path, member), trained[schedule]
    for step in (0, 4, 8):
        assert run.rows[step] == rows[step] | {pruning.SPARSITY: 0.0}
    assert_equal_states(run.states[STEPS], state_of(member))  # nothing is pruned at sparsity 0
    assert {name: run.rows[STEPS][name] for name in rows[STEPS]} == rows[STEPS]


def pruned_by_hand(state, sparsity):
    """The state with its smallest weights set to 0."""
    magnitudes = weights(state).abs()
    count = round(sparsity * magnitudes.numel())
    threshold = magnitudes.sort().values[count - 1] if count else -1.0
    return {
        name: torch.where(tensor.abs() <= threshold, 0.0, tensor) if tensor.ndim > 1 else tensor
        for name, tensor in state.items()
    }


def test_one_shot_prunes_the_trained_network_to_each_sparsity(trained):
    states = trained["one-shot"].states
    for sparsity, begin in zip(SPARSITIES, BEGINS, strict=True):
        assert_equal_states(states[begin], pruned_by_hand(states[STEPS], sparsity))


def test_iterative_prunes_what_has_been_fine_tuned_at_the_sparsity_before(trained):
    states = trained["iterative"].states
    for sparsity, end, begin in zip(SPARSITIES[1:], ENDS, BEGINS[1:], strict=False):
        assert_equal_states(states[begin], pruned_by_hand(states[end], sparsity))
        assert not torch.equal(states[begin]["head.bias"], states[STEPS]["head.bias"])


@both
def test_fine_tuning_begins_without_momentum_at_its_own_rate_and_updates_so_many_times(trained, schedule):
    run = trained[schedule]
    for place, (begin, end) in enumerate(zip(BEGINS, ENDS, strict=True)):
        momenta = [tensor for name, tensor in run.optimisers[begin].items() if name.endswith("momentum_buffer")]
        assert len(momenta) == 4
        assert not any(momentum.any() for momentum in momenta)
        learner = run.member.learner
        inputs, targets = learner.objective.batches.batch(0, order=1 + place)
        model = build("pruning", make_config()).learner.model
        model.load_state_dict(run.states[begin])
        learner.objective.criterion(model(inputs), targets).backward()
        for name, parameter in model.named_parameters():
            moved = parameter - 0.01 * (parameter.grad + 5e-4 * parameter)
            moved = moved * run.optimisers[begin].get(f"mask.{name}", 1)
            torch.testing.assert_close(run.states[begin + 1][name], moved.detach(), rtol=1e-5, atol=1e-7)
        for step in range(begin, end):
            assert not torch.equal(run.states[step]["head.bias"], run.states[step + 1]["head.bias"])


@both
def test_features_are_paired_with_those_of_the_trained_network(trained, schedule):
    run = trained[schedule]
    chosen = run.member.learner.probes["sample"].chosen("test")
    before = run.features[STEPS]["test"][chosen].double()
    for step in (*BEGINS, *ENDS):
        expected = gram_interplay(before, run.features[step]["test"][chosen].double(), check=False)
        for field, value in expected._asdict().items():
            found = run.rows[step][f"interplay/before-after/test/{field}"]
            assert found == pytest.approx(value.item(), rel=1e-9, abs=1e-12), (step, field)
    assert run.rows[BEGINS[0]]["interplay/before-after/test/hdr"] == 0  # nothing has changed yet
    assert run.rows[ENDS[2]]["interplay/before-after/test/hdr"] > 0


CONFIG = make_config(SIGNALS, steps=53, fine_tune_steps=6)  # phases begin at 53, 60 and 67


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory):
    wholes = {}
    for schedule in SCHEDULES:
        config = dataclasses.replace(CONFIG, schedule=schedule)
        root = tmp_path_factory.mktemp(schedule)
        wholes[schedule], finished = start(root, config, experiment=experiment("pruning"))
        assert finished
    return wholes


@both
@pytest.mark.parametrize("step", [0, 31, 52, 53, 55, 59, 60, 61, 67, 72], ids=lambda step: f"step {step}")
def test_a_run_interrupted_in_any_phase_resumes_to_the_same_record_and_networks(
    tmp_path, monkeypatch, uninterrupted, schedule, step
):
    config = dataclasses.replace(CONFIG, schedule=schedule)
    whole = uninterrupted[schedule]
    assert_resumes_bit_for_bit(tmp_path, monkeypatch, experiment("pruning"), config, whole, step)


def test_a_network_that_is_pruned_without_any_training_before_is_the_initial_one(tmp_path):
    config = make_config(steps=0, sparsities=(0.5,))
    member = build("pruning", config)
    initial = state_of(member)
    rows = train(tmp_path, member)
    assert rows[0][pruning.SPARSITY] == 0.5
    assert max(rows) == FINE_TUNING
    assert_equal_states(
        {name: tensor != 0 for name, tensor in state_of(member).items() if tensor.ndim > 1},
        {name: tensor != 0 for name, tensor in pruned_by_hand(initial, 0.5).items() if tensor.ndim > 1},
    )


def test_what_is_off_is_measured_at_no_sparsity(tmp_path):
    rows = train(tmp_path, build("pruning", make_config(probes=probes("off", norms="every:1"))))
    assert not any("test/accuracy" in row or "interplay/sample/test/mir" in row for row in rows.values())
    assert [rows[step][pruning.SPARSITY] for step in (*BEGINS, *ENDS)] == [*SPARSITIES, *SPARSITIES]


def test_the_presets_train_as_standard_training_does():
    for name, preset in experiment("pruning").presets.items():
        config, plain = preset(), experiment("supervised").presets[name]()
        for field in dataclasses.fields(plain):
            assert getattr(config, field.name) == getattr(plain, field.name), (name, field.name)
    assert [preset().fine_tune_steps for preset in experiment("pruning").presets.values()] == [500, 20_000, 2_000]


def test_runs_that_differ_in_their_rates_can_share_a_stack_and_those_of_other_sparsities_cannot():
    config = make_config()
    other = dataclasses.replace(config, optimiser=OptimiserConfig(), fine_tune_learning_rate=0.5)
    alike = experiment("pruning").alike
    assert alike(other) == alike(config)
    assert alike(dataclasses.replace(config, sparsities=(0.1,))) != alike(config)


@pytest.mark.parametrize(
    ("settings", "setting"),
    [
        ({"optimiser": OptimiserConfig(learning_rate=1e30, warmup_steps=0)}, r"optimiser\.learning_rate"),
        ({"fine_tune_learning_rate": 1e30}, "fine_tune_learning_rate"),
    ],
    ids=["training", "fine-tuning"],
)
def test_a_loss_that_is_not_finite_names_the_learning_rate_of_its_phase(tmp_path, settings, setting):
    with pytest.raises(TrainingError, match=rf": lower {setting} \(now 1e\+30\)$"):
        train(tmp_path, build("pruning", make_config(**settings)))
