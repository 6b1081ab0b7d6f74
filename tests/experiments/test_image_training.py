"""The seed determines everything that is drawn; precision and memory format follow the config."""

import dataclasses

import pytest
import torch
import torch.nn.functional as F

from grok.config import ConnectivityConfig, ImageModelConfig, ImageTaskConfig, PruningConfig
from grok.experiment import experiment
from grok.experiments import image_training, runner
from grok.tasks.images import DataError, DataFolder, make_image_task
from grok.training.engine import Engine
from grok.training.probes.scalars import Accuracy
from grok.training.recorder import Recorder
from grok.training.step import TrainingStep
from tests.experiments.helpers import setup
from tests.experiments.images import DIGITS, FOLDER, SIGNALS, build, only, probes, supervised_config, train
from tests.helpers import CPU, before_step, new_run, small_member


def drawn(member):
    """Everything that the seed determines."""
    learner = member.learner
    return {
        "weights": learner.model.head.weight.detach(),
        "order": learner.objective.batches.batch(0, order=0)[0],
        "measured": learner.samples("train").inputs,
        "sample": learner.probes["sample"].chosen("test"),
    }


def test_the_same_seed_draws_the_same_weights_batches_and_samples():
    first, second = (drawn(build("supervised", supervised_config(SIGNALS), seed=3)) for _ in range(2))
    for name in first:
        assert torch.equal(first[name], second[name]), name


@pytest.mark.parametrize("name", ["weights", "order", "measured", "sample"])
def test_another_seed_draws_another(name):
    first, second = (drawn(build("supervised", supervised_config(SIGNALS), seed=seed)) for seed in (3, 4))
    assert not torch.equal(first[name], second[name])


def test_another_network_leaves_the_batches_and_the_samples():
    wider = supervised_config(SIGNALS, model=ImageModelConfig(width=9))
    first, second = drawn(build("supervised", supervised_config(SIGNALS))), drawn(build("supervised", wider))
    for name in ("order", "measured", "sample"):
        assert torch.equal(first[name], second[name]), name


def test_the_network_is_all_its_parameters_and_buffers_themselves():
    training = image_training.image_training(supervised_config(SIGNALS), 0, CPU, FOLDER)
    network = training.network()
    assert set(network) == set(training.learner.model.state_dict())
    network["head.weight"].zero_()
    assert not training.learner.model.head.weight.any()
    assert not network["head.weight"].requires_grad
    assert training.pruning is None


def test_samples_pass_in_parts_where_they_are_many_with_the_same_measurements(tmp_path, monkeypatch):
    config = supervised_config(SIGNALS, steps=3, probes=probes("every:1"))
    together = train(tmp_path, build("supervised", config))
    monkeypatch.setattr(image_training, "AT_ONCE", 70)
    in_parts = train(tmp_path, build("supervised", config))
    assert list(in_parts) == list(together)
    for step, row in together.items():
        assert in_parts[step] == pytest.approx(row, rel=1e-4, abs=1e-5)


def test_the_loss_is_smoothed_float32_of_a_batch_and_at_the_end_that_of_the_measured_samples():
    learner = build("supervised", supervised_config(SIGNALS, label_smoothing=0.2)).learner
    learner.objective.batches.prepare(0, 1, order=0)
    loss, observed = learner(())
    assert (loss.dtype, observed) == (torch.float32, {})
    inputs, targets = learner.objective.batches.batch(0, order=0)
    learner.model.train()
    expected = F.cross_entropy(learner.model(inputs), targets, label_smoothing=0.2)
    assert loss.item() == pytest.approx(expected.item(), rel=1e-6)
    last, _ = learner((), last=True)
    learner.model.eval()
    train_split = learner.samples("train")
    expected = F.cross_entropy(learner.model(train_split.inputs), train_split.targets, label_smoothing=0.2)
    assert last.item() == pytest.approx(expected.item(), rel=1e-6)


def test_mixed_precision_trains_in_bfloat16_and_measures_in_float32(tmp_path):
    config = supervised_config(SIGNALS, steps=10, probes=only(accuracy="every:1"))
    mixed = dataclasses.replace(config, precision="bfloat16")
    full_rows, mixed_rows = (train(tmp_path, build("supervised", each)) for each in (config, mixed))
    assert mixed_rows[0] == full_rows[0]  # before the first update there is nothing to tell them apart
    assert mixed_rows[10] != full_rows[10]
    assert mixed_rows[10]["train/loss"] == pytest.approx(full_rows[10]["train/loss"], rel=0.05)
    model = build("supervised", mixed).learner.model
    assert {parameter.dtype for parameter in model.parameters()} == {torch.float32}


def test_a_wide_resnet_trains_in_channels_last_and_from_augmented_images(tmp_path):
    config = supervised_config(
        DIGITS,
        task=ImageTaskConfig(dataset="digits", augmentation="crop-flip", measured_train=60),
        model=ImageModelConfig(network="wide-resnet", depth=10, width=1),
        steps=2,
        probes=only(accuracy="every:1"),
    )
    member = build("supervised", config)
    kernel = member.learner.model.blocks[0].conv_1.weight
    assert kernel.is_contiguous(memory_format=torch.channels_last)
    assert not kernel.is_contiguous()
    rows = train(tmp_path, member)
    assert kernel.is_contiguous(memory_format=torch.channels_last)
    assert rows[2]["train/loss"] != rows[0]["train/loss"]


def test_a_step_of_a_wide_resnet_is_plain_sgd_whatever_the_memory_format():
    config = supervised_config(
        DIGITS,
        model=ImageModelConfig(network="wide-resnet", depth=10, width=1),
        steps=2,
        probes=only(accuracy="off"),
    )
    member, plain = build("supervised", config), build("supervised", config).learner
    optimiser = torch.optim.SGD(plain.model.parameters(), lr=0.03, momentum=0.9, weight_decay=5e-4)
    step = TrainingStep([member], block=2)
    step.prepare(0, 2)
    for index, rate in enumerate((0.03, 0.015)):  # cosine decay over two steps
        optimiser.param_groups[0]["lr"] = rate
        optimiser.zero_grad()
        inputs, targets = plain.objective.batches.batch(index, order=0)
        F.cross_entropy(plain.model(inputs), targets).backward()
        optimiser.step()
        step(())
    for (name, ours), expected in zip(member.learner.model.named_parameters(), plain.model.parameters(), strict=True):
        torch.testing.assert_close(ours, expected, rtol=1e-4, atol=1e-5, msg=lambda text, name=name: f"{name}: {text}")


SHORT = {"steps": 6, "probes": probes("every:3")}


@pytest.mark.parametrize(
    ("name", "config"),
    [
        ("supervised", supervised_config(SIGNALS, **SHORT)),
        ("connectivity", ConnectivityConfig(**SIGNALS | SHORT, points=3, recompute_batches=2)),
        ("pruning", PruningConfig(**SIGNALS | SHORT, fine_tune_steps=3, sparsities=(0.0, 0.4), schedule="iterative")),
    ],
    ids=["supervised", "connectivity", "pruning"],
)
def test_members_of_a_stack_measure_what_they_do_alone(tmp_path, name, config):
    members = [build(name, config, seed=seed) for seed in (0, 1)]
    rows = [{}, {}]

    def on_block(measured):
        for index, measurements in measured.items():
            rows[index] |= dict(measurements.rows())

    Engine(members).run([Recorder(new_run(tmp_path, seed=seed)) for seed in (0, 1)], on_block=on_block)
    for seed in (0, 1):
        alone = train(tmp_path, build(name, config, seed=seed))
        assert list(rows[seed]) == list(alone)
        for step, row in alone.items():
            assert rows[seed][step] == pytest.approx(row, rel=1e-3, abs=1e-5, nan_ok=True), step


def test_the_data_set_is_there_once_for_all_members_of_a_stack(tmp_path):
    members = [build("supervised", supervised_config(SIGNALS, **SHORT), seed=seed) for seed in (0, 1)]
    Engine(members).run([Recorder(new_run(tmp_path, seed=seed)) for seed in (0, 1)], interrupted=before_step(3))
    first, second = (member.learner.objective.batches for member in members)
    assert (
        first.inputs.data_ptr()
        == second.inputs.data_ptr()
        == make_image_task(supervised_config(SIGNALS).task, 0, FOLDER).inputs.data_ptr()
    )
    assert first.draws.place.data_ptr() != second.draws.place.data_ptr()


def test_batches_alone_pass_through_the_compiled_network(monkeypatch, tmp_path):
    passed = []

    def compiled(features, **how):
        return lambda inputs: passed.append(len(inputs)) or features(inputs)

    monkeypatch.setattr(torch, "compile", compiled)
    wanted = [(supervised_config(SIGNALS, **SHORT), 0)]
    (run,), _ = runner.start(experiment("supervised"), wanted, setup(tmp_path / "compiled", compile=True))
    (plain,), _ = runner.start(experiment("supervised"), wanted, setup(tmp_path / "plain"))
    assert passed == [90] * 6
    assert run.manifest()["compile"] is True
    assert run.metrics()["test/loss"].tolist() == plain.metrics()["test/loss"].tolist()


def test_a_step_on_all_samples_is_not_compiled():
    with pytest.raises(ValueError, match=r"^compile: expected an experiment that trains on batches"):
        small_member().learner.compile_training()


def test_a_data_set_that_is_not_there_is_named_with_the_mend(tmp_path):
    config = supervised_config(task=ImageTaskConfig(dataset="cifar10"))
    message = r"cifar10: expected train.parquet or .* in .*cifar10, got neither \(put .* there, or add --download\)"
    with pytest.raises(DataError, match=message):
        image_training.image_training(config, 0, CPU, DataFolder(path=tmp_path))


def test_probes_get_the_training_loss_in_float64_and_the_objective_has_it_in_float32(monkeypatch):
    subjects = []
    monkeypatch.setattr(Accuracy, "make", lambda schedule, subject: subjects.append(subject) or Accuracy(schedule))
    config = supervised_config(label_smoothing=0.1)
    learner = experiment("supervised").build(config, 0, CPU, FOLDER).learner
    logits, targets = torch.randn(5, 10), torch.arange(5)
    ((measured,), trained) = subjects, learner.objective.criterion
    expected = F.cross_entropy(logits.double(), targets, label_smoothing=0.1)
    torch.testing.assert_close(measured.criterion(logits, targets), expected)
    assert trained(logits, targets).dtype == torch.float32
