"""Training on few seeded labels, with or without unlabelled samples, resumes and stacks without a change."""

import dataclasses

import pytest
import torch

from grok.config import (
    ConfigError,
    ImageModelConfig,
    ImageTaskConfig,
    InformationTermConfig,
    OptimiserConfig,
    SemiSupervisedConfig,
)
from grok.experiment import experiment
from grok.experiments import semi_supervised
from grok.experiments.semi_supervised.training import labelled_samples
from grok.tasks.images import make_image_task
from grok.training.checkpoint import CheckpointError, checkpoints, load_checkpoint
from grok.training.semi_supervised import FixedThreshold
from tests.experiments.helpers import start
from tests.experiments.images import (
    FOLDER,
    assert_resumes_bit_for_bit,
    build,
    only,
    probes,
    semi_supervised_config,
    train,
)
from tests.helpers import CPU
from tests.reference.tape import Tapes
from tests.training.test_stack import rows_of

alike = experiment("semi-supervised").alike

TERM = InformationTermConfig(term="mir", weight=0.5)
METHODS = pytest.mark.parametrize("method", ["freematch", "fixmatch", "supervised"])


def test_the_paper_preset_is_that_of_freematch():
    config = semi_supervised.paper()
    assert config.task == ImageTaskConfig(dataset="cifar10", augmentation="crop-flip", measured_train=10_000)
    assert config.model == ImageModelConfig(network="wide-resnet", depth=28, width=2)
    assert config.optimiser == OptimiserConfig(
        rule="sgd", learning_rate=0.03, momentum=0.9, weight_decay=5e-4, warmup_steps=0, decay="cosine-7/16"
    )
    assert (config.method, config.labels_per_class, config.batch_size, config.steps) == ("freematch", 4, 64, 1_048_576)
    assert (config.unlabelled_ratio, config.unlabelled_weight, config.fairness_weight) == (7, 1.0, 0.05)
    assert (config.threshold_decay, config.average_decay) == (0.999, 0.999)


def test_the_gpu_preset_differs_in_length_and_precision_alone():
    assert dataclasses.replace(semi_supervised.gpu(), steps=2**20, precision="float32") == semi_supervised.paper()


def labelled(seed, labels_per_class=4):
    data = make_image_task(ImageTaskConfig(), seed, FOLDER)
    return labelled_samples(data, labels_per_class, seed), data


@pytest.mark.parametrize("labels_per_class", [1, 4, 390])
def test_labelled_samples_are_as_many_training_samples_of_each_class(labels_per_class):
    samples, data = labelled(0, labels_per_class)
    assert torch.bincount(data.targets[samples]).tolist() == [labels_per_class] * 10
    assert len(samples.unique()) == len(samples)
    assert torch.isin(samples, data.train).all()


def test_the_seed_decides_which_samples_have_labels():
    first, again, other = labelled(3)[0], labelled(3)[0], labelled(4)[0]
    assert torch.equal(first, again)
    assert not torch.isin(first, other).all()
    assert torch.isin(first, labelled(3, 8)[0]).all()  # more labels are these and others


def test_more_labels_of_a_class_than_it_has_samples_are_refused():
    message = "^labels_per_class: expected at most the 394 training samples of the rarest class, got 395$"
    with pytest.raises(ConfigError, match=message):
        build("semi-supervised", semi_supervised_config(labels_per_class=395))


@METHODS
def test_labelled_batches_are_of_those_alone_and_unlabelled_ones_of_all_training_samples(method):
    objective = build("semi-supervised", semi_supervised_config(method=method), seed=2).learner.objective
    samples = set(labelled(2)[0].tolist())
    draws = objective.batches.draws
    assert {index for step in range(20) for index in draws.on_host(step, order=0)["indices"].tolist()} == samples
    assert hasattr(objective, "unlabelled") == (method != "supervised")
    if method != "supervised":
        draws, steps = objective.unlabelled.draws, 4_000 // 72
        taken = torch.cat([draws.on_host(step, order=0)["indices"] for step in range(steps)])
        assert len(taken.unique()) == 72 * steps
        assert torch.isin(taken, make_image_task(ImageTaskConfig(), 2, FOLDER).train).all()
        weak, strong, _ = objective.unlabelled.batch(0, order=0)
        assert weak.shape == strong.shape == (72, 1, 40)
        assert not torch.equal(weak, strong)
        labelled_inputs, _ = objective.batches.batch(0, order=0)
        assert len(labelled_inputs) == 24


@METHODS
def test_the_settings_of_the_method_are_those_it_trains_with(method):
    settings = {"freematch": {"threshold_decay": 0.3}, "fixmatch": {"threshold": 0.4}, "supervised": {}}
    objective = build("semi-supervised", semi_supervised_config(method=method, **settings[method])).learner.objective
    if method == "freematch":
        objective.thresholds(torch.eye(10))
        assert objective.thresholds.value().item() == pytest.approx(0.3 * 0.1 + 0.7)
    elif method == "fixmatch":
        assert isinstance(objective.thresholds, FixedThreshold)
        assert objective.thresholds.value().item() == pytest.approx(0.4)
    else:
        assert objective.values() == {}


@METHODS
@pytest.mark.parametrize("information", [InformationTermConfig(), TERM], ids=["plain", "mir"])
def test_an_interrupted_run_resumes_to_the_same_record_weights_average_and_thresholds(
    tmp_path, monkeypatch, method, information
):
    settings = {"threshold": 0.2} if method == "fixmatch" else {}
    config = semi_supervised_config(
        method=method, steps=14, information=information, probes=only(accuracy="every:1"), **settings
    )
    whole, _ = start(tmp_path / "whole", config, experiment=experiment("semi-supervised"))
    assert ("information/term" in whole.metrics()) == information.is_on
    assert ("objective/consistency" in whole.metrics()) == (method != "supervised")
    assert_resumes_bit_for_bit(tmp_path / "halves", monkeypatch, experiment("semi-supervised"), config, whole, 9)


def test_what_is_saved_has_the_average_its_statistics_and_what_the_thresholds_follow(tmp_path):
    config = semi_supervised_config(steps=2, information=TERM, probes=only())
    run, _ = start(tmp_path, config, experiment=experiment("semi-supervised"))
    saved = checkpoints(run)[2].read_bytes()
    for name in (
        "optimiser.average.head.weight",
        "optimiser.average.norms.0.running_var",
        "objective.thresholds.predicted",
        "objective.thresholds.histogram",
        "objective.thresholds.confidence",
        "objective.term.left_out",
        "objective.pseudo_labels_used",
    ):
        assert f'"{name}"'.encode() in saved


@pytest.mark.parametrize(
    ("settings", "what"),
    [
        ({}, "training loss"),
        ({"information": TERM, "method": "fixmatch"}, "training loss"),
        ({"information": TERM, "model": ImageModelConfig(width=7)}, "network"),
    ],
    ids=["no term", "no averages", "wider"],
)
def test_a_checkpoint_of_another_training_loss_is_refused_and_changes_nothing(tmp_path, settings, what):
    config = semi_supervised_config(steps=2, information=TERM, probes=only())
    run, _ = start(tmp_path, config, experiment=experiment("semi-supervised"))
    member = build("semi-supervised", semi_supervised_config(**settings), seed=1)
    before = member.learner.model.head.weight.detach().clone()
    with pytest.raises(CheckpointError, match=f"holds another {what} than run.json describes: restore either"):
        load_checkpoint(checkpoints(run)[2], member)
    assert torch.equal(member.learner.model.head.weight, before)


@pytest.mark.parametrize("information", [InformationTermConfig(), TERM], ids=["plain", "mir"])
@METHODS
def test_members_of_a_stack_measure_what_they_do_alone(tmp_path, method, information):
    settings = {"threshold": 0.2} if method == "fixmatch" else {}
    config = semi_supervised_config(
        method=method, steps=8, information=information, probes=only(accuracy="every:1", sample="every:4"), **settings
    )
    members = [build("semi-supervised", config, seed=seed) for seed in (0, 1)]
    stacked = rows_of(members, tmp_path, steps=9)
    assert len(stacked[0]) == 9
    for seed in (0, 1):
        rows = train(tmp_path, build("semi-supervised", config, seed=seed))
        for step, row in stacked[seed]:
            assert row == pytest.approx(rows[step], rel=1e-3, abs=1e-5, nan_ok=True), step
    assert stacked[0][8][1]["test/loss"] != stacked[1][8][1]["test/loss"]


def test_the_data_set_is_there_once_for_all_members_and_both_kinds_of_batches(tmp_path):
    members = [build("semi-supervised", semi_supervised_config(steps=3, probes=only()), seed=seed) for seed in (0, 1)]
    rows_of(members, tmp_path, steps=2)
    inputs = make_image_task(ImageTaskConfig(), 0, FOLDER).inputs
    for member in members:
        objective = member.learner.objective
        assert objective.batches.inputs.data_ptr() == objective.unlabelled.inputs.data_ptr() == inputs.data_ptr()


@pytest.mark.parametrize("method", ["freematch", "fixmatch"])
def test_a_replayed_step_gives_the_record_of_the_plain_one(tmp_path, method):
    """A step without host reads can be captured in a CUDA graph."""
    settings = {"threshold": 0.2} if method == "fixmatch" else {}
    config = semi_supervised_config(method=method, steps=12, probes=only(accuracy="every:1"), **settings)
    made = []
    member = build("semi-supervised", config)
    (replayed,) = rows_of([member], tmp_path, steps=12, executor=lambda step: made.append(Tapes(step)) or made[-1])
    (plain,) = rows_of([build("semi-supervised", config)], tmp_path, steps=12)
    assert replayed[1:] == plain[1:]
    assert made[0].replayed == 8


def test_a_run_without_a_term_has_no_column_of_it_and_a_tiny_one_trains_as_it(tmp_path):
    losses = []
    for information in (InformationTermConfig(), dataclasses.replace(TERM, weight=1e-9)):
        config = semi_supervised_config(steps=12, information=information, probes=only(accuracy="every:1"))
        rows = train(tmp_path, build("semi-supervised", config))
        assert ("information/term" in rows[12]) == ("information/left_out" in rows[12]) == information.is_on
        losses.append([row["train/loss"] for row in rows.values()])
    assert losses[1] == pytest.approx(losses[0], rel=1e-4)


def test_a_run_that_diverges_with_a_term_ends_with_its_loss(tmp_path):
    config = semi_supervised_config(
        steps=20,
        information=TERM,
        probes=only(accuracy="every:1"),
        optimiser=OptimiserConfig(rule="sgd", learning_rate=1e35, warmup_steps=0),
    )
    run, _ = start(tmp_path, config, experiment=experiment("semi-supervised"))
    assert run.manifest()["status"] == "failed"
    assert run.manifest()["error"].startswith("the training loss is nan at step ")


def test_runs_that_differ_in_their_rule_can_share_a_stack_and_those_of_other_methods_cannot():
    config = semi_supervised_config()
    assert alike(dataclasses.replace(config, optimiser=OptimiserConfig())) == experiment("semi-supervised").alike(
        config
    )
    for other in ({"method": "fixmatch"}, {"average_decay": 0.5}, {"information": TERM}, {"labels_per_class": 5}):
        assert alike(dataclasses.replace(config, **other)) != experiment("semi-supervised").alike(config)


def test_the_laptop_preset_is_the_default_with_log_spaced_measurements():
    assert dataclasses.replace(semi_supervised.laptop(), probes=SemiSupervisedConfig().probes) == SemiSupervisedConfig()
    assert semi_supervised.laptop().probes == dataclasses.replace(probes("log:30"), sample_size=64)
    assert build("semi-supervised", semi_supervised.laptop()).learner.device == CPU
