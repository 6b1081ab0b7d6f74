"""Training on few labels and many unlabelled samples."""

import torch
from jaxtyping import Int
from torch import Tensor

from grok.config import SemiSupervisedConfig
from grok.config.checks import require
from grok.experiments.image_training import labelled_batches, training_on
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


def build(config: SemiSupervisedConfig, seed: int, device: torch.device, folder: DataFolder | None) -> Member:
    """Return the network at step 0 with its moving average."""

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

    data = make_image_task(config.task, seed, folder or DataFolder(), device)
    training = training_on(
        data, config, seed, device, make_objective=make_objective, average_decay=config.average_decay
    )
    return training.member([Phase(steps=config.steps, learning_rate=LearningRateSchedule.of(config.optimiser))])


def labelled_samples(data: ImageTask, labels_per_class: int, seed: int) -> Int[Tensor, "labelled"]:
    """Return the training samples whose labels are used, equally many per class and drawn by the seed.

    Raises:
        ConfigError: if the rarest class has fewer training samples than `labels_per_class`.
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


def check_labels(config: SemiSupervisedConfig, seed: int) -> None:
    """Reject more labels per class than the rarest class of MNIST-1D has; the check is cheaper than `build`.

    Raises:
        ConfigError: under the conditions of `labelled_samples`.
    """
    if config.task.dataset == "mnist1d":  # the classes of CIFAR are equally large, which the config checks
        labelled_samples(make_image_task(config.task, seed, DataFolder()), config.labels_per_class, seed)
