"""Every data set knows whether it is available, and agrees with its settings."""

import pytest

from grok.config import ImageTaskConfig
from grok.tasks.images import DATA_SETS, DataFolder, make_image_task


@pytest.mark.parametrize("name", DATA_SETS)
def test_a_data_set_is_there_unless_its_files_are_missing(tmp_path, name):
    assert DATA_SETS[name].is_there(DataFolder(path=tmp_path)) is not name.startswith("cifar")


@pytest.mark.parametrize("name", ["mnist1d", "digits"])
def test_a_data_set_has_the_shape_that_its_settings_say(tmp_path, name):
    config = ImageTaskConfig(dataset=name)
    task = make_image_task(config, 0, DataFolder(path=tmp_path))
    assert (len(task.train), len(task.test)) == (config.train_size, config.test_size)
    assert task.num_classes == config.num_classes == int(task.targets.max()) + 1
    assert (task.inputs.ndim == 4) is config.is_images
