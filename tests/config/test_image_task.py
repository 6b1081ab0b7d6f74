"""Settings of the data of the image experiments."""

import pytest

from grok.config import ConfigError, ImageTaskConfig
from grok.config.image_task import SHAPES
from grok.tasks.images import digits_task, mnist1d_task


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"augmentation": "crop-flip"}, "task.augmentation: expected none, as mnist1d has signals, .* got crop-flip"),
        ({"measured_train": 0}, "task.measured_train: expected a number from 1 to the 4,000 .* of mnist1d, got 0"),
        ({"dataset": "digits", "measured_train": 1_201}, "task.measured_train: .* the 1,200 .* digits, got 1201"),
    ],
)
def test_a_setting_that_cannot_be_is_named_with_what_was_expected(settings, message):
    with pytest.raises(ConfigError, match=f"^{message}$"):
        ImageTaskConfig(**settings)


@pytest.mark.parametrize(("name", "task"), [("mnist1d", mnist1d_task), ("digits", lambda: digits_task(0))])
def test_what_is_known_of_a_data_set_is_so(name, task):
    made = task()
    assert SHAPES[name] == (made.num_classes, len(made.train), made.inputs.ndim == 4)
