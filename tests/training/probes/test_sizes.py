"""The `sample` pairing by n uses the first n of one order; values are exact up to 1,024 and estimates above."""

import dataclasses

import pytest
import torch

from grok.config import ProbesConfig, TaskConfig
from grok.experiment import experiment
from grok.information import Interplay, gram_interplay
from grok.training.probes.sizes import SampleSizes
from tests.helpers import CPU, small_config, small_member, snapshot_of
from tests.training.probes.helpers import features_and_targets, measure


@pytest.fixture(scope="module")
def larger():
    """A learner with 1,264 test samples."""
    small = small_config()
    config = dataclasses.replace(
        small,
        task=TaskConfig(modulus=37, train_fraction=0.077),
        model=dataclasses.replace(small.model, d_model=40),
        probes=dataclasses.replace(ProbesConfig.only(sample="every:1", sample_sizes="every:1"), sample_size=64),
        settle=None,
    )
    return experiment("grokking").build(config, 0, CPU).learner


@pytest.fixture(scope="module")
def by_size(larger):
    return measure(larger)


def exact(learner, chosen):
    features, targets = features_and_targets(learner, "test")
    head = learner.model.head.weight.detach().double()
    return gram_interplay(features.double()[chosen], head[targets[chosen]])


def test_the_sizes_are_powers_of_two_and_all(by_size):
    names = {name.split("/")[1] for name in by_size if name.startswith("interplay/sample-")}
    assert names == {f"sample-{size}" for size in (64, 128, 256, 512, 1024, "all")}
    values = {name.rpartition("/")[2] for name in by_size if name.startswith("interplay/sample-all/test/")}
    assert values == {*Interplay._fields, "mir_standard_error"}
    assert "interplay/sample-1024/test/mir_standard_error" not in by_size


def test_the_size_of_the_sample_probe_gives_its_values_exactly(by_size):
    for field in Interplay._fields:
        assert by_size[f"interplay/sample-64/test/{field}"] == by_size[f"interplay/sample/test/{field}"]


def test_samples_are_nested_and_all_is_the_whole_split(larger, by_size):
    order = larger.probes["sample_sizes"].get_buffer("order")
    assert order.sort().values.tolist() == list(range(1264))
    for size in (64, 512):
        for field, value in exact(larger, order[:size])._asdict().items():
            assert by_size[f"interplay/sample-{size}/test/{field}"] == pytest.approx(value.item(), abs=1e-10)
    whole = exact(larger, torch.arange(1264))
    assert by_size["interplay/sample-all/test/hdr"] == pytest.approx(whole.hdr.item(), rel=1e-10)
    error = by_size["interplay/sample-all/test/mir_standard_error"]
    assert 0 <= error <= 0.005 * whole.mir
    assert by_size["interplay/sample-all/test/joint_entropy"] == pytest.approx(whole.joint_entropy.item(), rel=1e-3)
    assert by_size["interplay/sample-all/test/mir"] == pytest.approx(whole.mir.item(), abs=3 * error + 1e-10)


def test_the_estimates_are_the_same_each_time(larger, by_size):
    assert measure(larger) == by_size


def test_observations_of_many_members_are_evaluated_as_each(larger):
    probe = larger.probes["sample_sizes"]
    observed = {name: tensor.detach() for name, tensor in probe.observe(snapshot_of(larger)).items()}
    other = observed | {"features": observed["features"].flip(-2)}
    many = probe.evaluate({name: torch.stack([observed[name], other[name]])[None] for name in observed})
    for place, one in enumerate((observed, other)):
        for column, value in probe.evaluate(one).items():
            assert many[column].shape == (1, 2)
            torch.testing.assert_close(many[column][0, place], value)


@pytest.mark.parametrize("zero", ["features", "head"])
def test_a_vector_without_a_direction_makes_the_sizes_that_have_it_nan(larger, zero):
    probe = larger.probes["sample_sizes"]
    observed = {name: value.clone() for name, value in probe.observe(snapshot_of(larger)).items()}
    if zero == "features":
        observed["features"][200] = 0
    else:
        observed["head"][observed["labels"][200]] = 0
    metrics = probe.evaluate(observed)
    for name in (*Interplay._fields, "mir_standard_error"):
        assert metrics[f"interplay/sample-all/test/{name}"].isnan()
    assert metrics["interplay/sample-256/test/mir"].isnan()
    if zero == "features":
        assert metrics["interplay/sample-128/test/mir"].isfinite()


def test_it_is_off_by_default_and_samples_that_pad_the_split_change_nothing():
    assert "sample_sizes" not in small_member().learner.probes
    learner = small_member(sample_sizes="every:1").learner
    assert isinstance(learner.probes["sample_sizes"], SampleSizes)
    expected = measure(learner)
    learner.pad("test", 90)
    assert measure(learner) == pytest.approx(expected, rel=1e-5)
