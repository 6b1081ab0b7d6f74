"""Group means average over both splits."""

import pytest
import torch

from grok.config import TaskConfig
from grok.tasks import operation_task
from grok.training.probes.means import class_means, first_element_means
from tests.geometries import random_vectors


@pytest.mark.parametrize("operation", ["add", "divide"])
@pytest.mark.parametrize("group", ["class", "first token"])
def test_means_are_over_all_samples_of_a_label_and_padding_has_no_share(operation, group):
    task = operation_task(TaskConfig(operation=operation, modulus=7), seed=0)
    values = random_vectors(len(task.targets), 3)
    if group == "class":
        means, labels = class_means(task), task.targets
    else:
        means, labels = first_element_means(task), task.inputs[:, 0]
    expected = torch.stack([values[labels == label].mean(dim=0) for label in range(7)])
    assert means.counts.tolist() == [(labels == label).sum().item() for label in range(7)]
    torch.testing.assert_close(means(lambda split: values[task.indices(split)].float()), expected, rtol=0, atol=1e-6)
    means.pad("train", 100)
    means.pad("train", 90)  # less padding again

    def padded(split):
        missing = 90 - len(task.train) if split == "train" else 0
        return torch.cat([values[task.indices(split)], torch.ones(missing, 3)]).float()

    torch.testing.assert_close(means(padded), expected, rtol=0, atol=1e-6)
