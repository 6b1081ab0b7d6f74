"""Settings survive a round trip through JSON, and settings that are added later do not change their hash."""

import json
from pathlib import Path

import pytest

from grok.config import (
    ConfigError,
    ConnectivityConfig,
    GrokkingConfig,
    ImageModelConfig,
    NormMatchedConfig,
    OptimiserConfig,
    ProbesConfig,
    PruningConfig,
    SampledInformationTermConfig,
    SemiSupervisedConfig,
    SupervisedConfig,
    TaskConfig,
    config_from_json,
    config_hash,
    config_to_json,
    is_record_of,
)
from grok.experiment import experiment
from grok.experiments.grokking import laptop, paper

REFERENCE = Path(__file__).parents[2] / "runs/reference"
EARLIER = ProbesConfig(**ProbesConfig.before())  # the schedules before the defaults were log-spaced
CONFIGS = [paper(), laptop(), GrokkingConfig(settle=None, optimiser=OptimiserConfig(betas=(0.5, 0.6)))]
OTHERS = [
    NormMatchedConfig(steps=7, information=SampledInformationTermConfig(term="hdr", weight=-0.5, samples=32)),
    SupervisedConfig(
        model=ImageModelConfig(network="mlp", depth=2, width=7),
        optimiser=OptimiserConfig(rule="adam", betas=(0.5, 0.6), decay="cosine"),
        label_smoothing=0.1,
        precision="bfloat16",
    ),
    ConnectivityConfig(points=5, recompute_batches=7, steps=3),
    PruningConfig(sparsities=(0.25, 0.5), schedule="iterative", fine_tune_steps=3),
    SemiSupervisedConfig(method="fixmatch", threshold=0.8, labels_per_class=2, average_decay=0.99),
]


@pytest.mark.parametrize("config", [*CONFIGS, *OTHERS])
def test_json_gives_the_same_config_back(config):
    read = config_from_json(type(config), config_to_json(config))
    assert (read, hash(read), config_hash(read)) == (config, hash(config), config_hash(config))


def test_equal_configs_have_equal_hashes_and_others_other_ones():
    assert config_hash(paper()) == config_hash(GrokkingConfig(task=TaskConfig(rounding="down"))) == "7f4d58ce"
    assert len({config_hash(config) for config in [*CONFIGS, GrokkingConfig()]}) == 4


@pytest.mark.parametrize(("modulus", "same"), [(59, True), (113, False)])
def test_rules_of_rounding_make_two_runs_of_one_config_only_if_they_give_other_splits(modulus, same):
    nearest, down = (GrokkingConfig(task=TaskConfig(modulus=modulus, rounding=rule)) for rule in ("nearest", "down"))
    assert (config_hash(nearest) == config_hash(down)) is same
    assert is_record_of(nearest, config_to_json(down)) is is_record_of(down, config_to_json(nearest)) is same
    assert config_to_json(nearest)["task"]["rounding"] == "nearest"


def test_a_hash_knows_only_what_is_not_at_its_default():
    task = TaskConfig(train_fraction=0.4, rounding="down")
    assert config_hash(GrokkingConfig(task=task, probes=EARLIER)) == "7bbde371"
    assert config_hash(GrokkingConfig(steps=59)) != config_hash(GrokkingConfig(task=TaskConfig(modulus=59)))


def test_every_reference_record_has_the_hash_that_its_settings_have_today():
    manifests = [json.loads(path.read_text()) for path in REFERENCE.glob("*/*/run.json")]
    assert len(manifests) > 700
    for manifest in manifests:
        config = config_from_json(experiment(manifest["experiment"]).config_type, manifest["config"])
        assert config_hash(config) == manifest["config_hash"], manifest["id"]


def test_settings_that_a_record_does_not_name_have_their_defaults():
    values = config_to_json(paper())
    del values["loss_dtype"], values["task"]["operation"]
    assert config_from_json(GrokkingConfig, values) == paper()


def test_a_record_that_is_older_than_rounding_keeps_its_split_and_its_hash():
    values = config_to_json(GrokkingConfig(task=TaskConfig(train_fraction=0.4), probes=EARLIER))
    assert (values["task"].pop("rounding"), values["task"]["train_fraction"] * 113**2) == ("nearest", 5_107.6)
    read = config_from_json(GrokkingConfig, values)
    assert (read.task.train_size, config_hash(read)) == (5_107, "7bbde371")
    assert not is_record_of(GrokkingConfig(task=TaskConfig(train_fraction=0.4), probes=EARLIER), values)
    values["task"] |= {"modulus": 10, "train_fraction": 0.29}
    assert config_from_json(TaskConfig, values["task"]).train_size == 28
    values["task"] |= {"modulus": 31, "train_fraction": 0.5}  # whose split is the same by every rule
    assert is_record_of(GrokkingConfig(task=TaskConfig(modulus=31, train_fraction=0.5), probes=EARLIER), values)


def test_a_changed_default_changes_no_hash_and_a_run_of_the_new_one_is_another():
    earlier = GrokkingConfig(task=TaskConfig(rounding="down"), probes=EARLIER)
    assert (EARLIER.accuracy, EARLIER.collapse, EARLIER.embedding) == ("every:10", "every:50", "every:1")
    assert config_hash(earlier) == "44136fa3"
    assert not is_record_of(paper(), config_to_json(earlier))
    assert is_record_of(earlier, config_to_json(earlier) | {"probes": {"sample_size": 256}})


def test_settings_of_another_version_are_refused():
    values = config_to_json(paper())
    with pytest.raises(ConfigError, match=r"got \['surprise'\]: another version wrote them"):
        config_from_json(GrokkingConfig, {**values, "surprise": 1})
    with pytest.raises(ConfigError, match=r"loss_dtype: expected one of float64, float32, got half$"):
        config_from_json(GrokkingConfig, {**values, "loss_dtype": "half"})
    with pytest.raises(ConfigError, match=r"^loss: expected one of .*, got stablemaks; did you mean 'stablemax'\?$"):
        config_from_json(GrokkingConfig, {**values, "loss": "stablemaks"})
    with pytest.raises(ConfigError, match=r"task.operation: expected one of add, subtract, .*, got power$"):
        config_from_json(GrokkingConfig, {"task": {"operation": "power"}})
