"""Settings of the data of the image experiments."""

import pytest

from grok.config import ConfigError, ImageTaskConfig
from grok.tasks.images import CIFAR, digits_task, mnist1d_task


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (
            {"augmentation": "crop-flip"},
            "task.augmentation: expected none or shift-scale, as mnist1d has signals, got crop-flip",
        ),
        (
            {"measured_train": 0},
            "task.measured_train: expected a number from 1 to the 4,000 training samples of mnist1d, got 0",
        ),
        (
            {"dataset": "digits", "measured_train": 1_201},
            "task.measured_train: expected a number from 1 to the 1,200 training samples of digits, got 1201",
        ),
    ],
)
def test_a_setting_that_cannot_be_is_named_with_what_was_expected(settings, message):
    with pytest.raises(ConfigError, match=f"^{message}$"):
        ImageTaskConfig(**settings)


def test_all_training_samples_can_be_measured():
    assert ImageTaskConfig(dataset="cifar10", measured_train=50_000).measured_train == 50_000


@pytest.mark.parametrize(("dataset", "make"), [("mnist1d", mnist1d_task), ("digits", lambda: digits_task(0))])
def test_sizes_are_those_of_the_data(dataset, make):
    config, task = ImageTaskConfig(dataset=dataset), make()
    assert (config.num_classes, config.train_size) == (task.num_classes, len(task.train))
    assert config.test_size == len(task.test)
    assert config.is_images == (task.inputs.ndim == 4)


def test_cifar_has_as_many_classes_as_its_files_are_read_for():
    for dataset, known in CIFAR.items():
        config = ImageTaskConfig(dataset=dataset, augmentation="crop-flip")
        assert (config.num_classes, config.train_size) == (known.num_classes, 50_000)
