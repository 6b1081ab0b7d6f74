"""Every probe can be off, ignores padding, and evaluates many observations together."""

import pytest
import torch

from grok.config import ConfigError, ProbesConfig, Schedule, TaskConfig
from grok.tasks import operation_task
from grok.training.probes import BeforeAfter, PhaseValues, make_probes
from tests.helpers import CPU, small_config, small_member, snapshot_of
from tests.reference.tape import Tapes
from tests.tolerances import measurement_rounding
from tests.training.probes.helpers import measure
from tests.training.test_stack import PAIRS, rows_of


def test_a_probe_that_is_off_is_not_made():
    config = ProbesConfig.only(accuracy="every:10", prototype="every:10")
    probes = make_probes(config, operation_task(small_config().task, 0), small_member().learner.model, seed=0)
    assert [probe.name for probe in probes] == ["accuracy", "prototype"]


@pytest.mark.parametrize("probe", ["fourier", "spectrum"])
def test_a_class_of_the_cycle_that_no_pair_gives_is_refused_with_the_mend(probe):
    task = operation_task(TaskConfig(operation="squares", modulus=4), seed=0)  # 3 is no sum of two squares
    message = (
        "task.operation: 1 of 4 classes are the result of no pair, and Fourier modes need them all: "
        f"choose another operation or modulus, or set probes.{probe} off"
    )
    with pytest.raises(ConfigError, match=message):
        make_probes(ProbesConfig.only(**{probe: "every:1"}), task, small_member().learner.model, seed=0)


def test_samples_that_only_pad_a_split_change_no_measurement(measured):
    learner = small_member().learner
    for split in ("train", "test"):
        learner.pad(split, 90)
        learner.pad(split, 70)  # less padding again
        assert len(learner.samples(split).targets) == 70
    assert measure(learner) == pytest.approx(measured, rel=1e-5)


def test_every_probe_can_be_replayed_and_stacked(tmp_path):
    every_step = dict.fromkeys(ProbesConfig.names(), "every:1")

    def members():
        return [small_member(seed=seed, **every_step) for seed in range(2)]

    made = []
    plain = rows_of(members(), tmp_path, steps=8)
    replayed = rows_of(members(), tmp_path, steps=8, executor=lambda step: made.append(Tapes(step)) or made[-1])
    assert replayed == plain
    assert made[0].replayed >= 4
    for member, rows in zip(members(), plain, strict=True):
        (alone,) = rows_of([member], tmp_path, steps=8)
        for (_, row), (_, expected) in zip(rows, alone, strict=True):
            assert row == pytest.approx(expected, **measurement_rounding(PAIRS, steps=8))


def test_observations_of_many_steps_and_members_are_evaluated_together(learner):
    snapshot = snapshot_of(learner)
    for probe in learner.probes.values():
        with torch.no_grad():
            observed = probe.observe(snapshot)
            many = probe.evaluate({name: torch.stack([tensor, 2 * tensor]) for name, tensor in observed.items()})
            for column, value in probe.evaluate(observed).items():
                assert many[column].shape == (2,)
                torch.testing.assert_close(many[column][0], value)


def test_evaluate_reads_nothing_that_may_differ_between_the_members_of_a_stack():
    small, task = small_member(**dict.fromkeys(ProbesConfig.names(), "every:1")), operation_task(small_config().task, 0)
    every = Schedule.parse("every:1")
    probes = [
        *small.learner.probes.values(),
        BeforeAfter(every, task, size=32, seed=0, dim=small.learner.model.head.in_features),
        PhaseValues(every, ["sparsity"], CPU),
    ]
    for probe in probes:
        with torch.no_grad():
            observed = {name: tensor.clone() for name, tensor in probe.observe(snapshot_of(small.learner)).items()}
            expected = probe.evaluate(observed)
            for module in probe.modules():
                for name in {name for kind in type(module).__mro__ for name in vars(kind).get("per_member", ())}:
                    delattr(module, name)
            torch.testing.assert_close(probe.evaluate(observed), expected, rtol=0, atol=0, equal_nan=True)
