"""Table 1: training on few labels and many unlabelled samples, with or without a term of information."""

import dataclasses

import torch
from jaxtyping import Int
from torch import Tensor

from grok.config import ImageModelConfig, ImageTaskConfig, SemiSupervisedConfig
from grok.config.checks import require
from grok.experiments import supervised
from grok.experiments.image_training import alike, check, labelled_batches, training_on
from grok.experiments.runner import Experiment
from grok.random import stream
from grok.tasks.images import VIEWS, DataFolder, ImageTask, make_image_task, strong_view
from grok.training.batches import Batches
from grok.training.engine import BLOCK
from grok.training.information_term import InformationTerm
from grok.training.learning_rate import LearningRateSchedule
from grok.training.loss import Criterion
from grok.training.objective import Objective, Supervised
from grok.training.phases import Phase
from grok.training.semi_supervised import AdaptiveThresholds, FixedThreshold, SemiSupervised, Thresholds
from grok.training.step import Member


def laptop() -> SemiSupervisedConfig:
    """MNIST-1D with four labels a class and a convolutional network: half a minute on one core."""
    return SemiSupervisedConfig(probes=supervised.measured())


def paper() -> SemiSupervisedConfig:
    """CIFAR-10 with four labels a class and WideResNet-28-2 for 2^20 steps, FreeMatch's setting.

    But for what its reference code adds: momentum is Nesterov's there, and only matrices and kernels decay.
    """
    return SemiSupervisedConfig(
        task=ImageTaskConfig(dataset="cifar10", augmentation="crop-flip", measured_train=10_000),
        model=ImageModelConfig(network="wide-resnet", depth=28, width=2),
        probes=supervised.measured(),
        batch_size=64,
        steps=2**20,
    )


def gpu() -> SemiSupervisedConfig:
    """The same in 20,000 steps of mixed precision."""
    return dataclasses.replace(paper(), steps=20_000, precision="bfloat16")


def build(config: SemiSupervisedConfig, seed: int, device: torch.device, folder: DataFolder) -> Member:
    """The network at step 0, and its average."""

    def make_objective(data: ImageTask, criterion: Criterion, term: InformationTerm | None) -> Objective:
        labelled = labelled_batches(data, config, seed, labelled_samples(data, config.labels_per_class, seed))
        if config.method == "supervised":
            return Supervised(labelled, criterion, term)
        views = [VIEWS[config.task.augmentation](), strong_view(data.inputs)]
        size = config.batch_size * config.unlabelled_ratio
        return SemiSupervised(
            labelled,
            Batches(data, size=size, views=views, seed=seed, block=BLOCK, name="unlabelled/"),
            criterion,
            _thresholds(config, device),
            unlabelled_weight=config.unlabelled_weight,
            fairness_weight=config.fairness_weight,
            term=term,
        )

    data = make_image_task(config.task, seed, folder, device)
    training = training_on(
        data, config, seed, device, make_objective=make_objective, average_decay=config.average_decay
    )
    return training.member([Phase(steps=config.steps, learning_rate=LearningRateSchedule.of(config.optimiser))])


def labelled_samples(data: ImageTask, labels_per_class: int, seed: int) -> Int[Tensor, "labelled"]:
    """Training samples whose labels are known: as many of each class, drawn by the seed.

    Raises:
        ConfigError: more of each class than the rarest has.
    """
    fewest = int(torch.bincount(data.targets[data.train].cpu(), minlength=data.num_classes).min())
    expected = f"at most the {fewest:,} training samples of the rarest class"
    require(labels_per_class <= fewest, "labels_per_class", expected, labels_per_class)
    shuffled = data.train.cpu()[torch.randperm(len(data.train), generator=stream(seed, "labelled"))]
    targets = data.targets.cpu()[shuffled]
    return torch.cat([shuffled[targets == label][:labels_per_class] for label in range(data.num_classes)])


def _thresholds(config: SemiSupervisedConfig, device: torch.device) -> Thresholds:
    if config.method == "fixmatch":
        return FixedThreshold(config.threshold, device)
    return AdaptiveThresholds(config.task.num_classes, config.threshold_decay, device)


def check_labels(config: SemiSupervisedConfig, seed: int, folder: DataFolder | None) -> None:
    """Refuse data that cannot be had, or more labels of a class than they have; cheap beside `build`.

    Raises:
        ConfigError: as `check` and `labelled_samples`.
    """
    check(config, seed, folder)
    if config.task.dataset == "mnist1d":  # of CIFAR, every class has as many samples, which the settings know
        labelled_samples(make_image_task(config.task, seed, DataFolder()), config.labels_per_class, seed)


EXPERIMENT = Experiment(
    name="semi-supervised",
    description="FreeMatch, FixMatch or few labels alone, with or without a term of information (Table 1)",
    config_type=SemiSupervisedConfig,
    presets={"laptop": laptop, "paper": paper, "gpu": gpu},
    default_preset="laptop",
    build=build,
    check=check_labels,
    alike=alike,
)
