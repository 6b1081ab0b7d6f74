"""Group means are those over both splits."""

import pytest
import torch

from grok.config import ConfigError, ProbesConfig, TaskConfig
from grok.tasks import operation_task
from grok.training.probes import make_probes
from grok.training.probes.means import class_means, first_token_means
from tests.geometries import random_vectors


@pytest.mark.parametrize("operation", ["add", "divide"])
@pytest.mark.parametrize("group", ["class", "first token"])
def test_means_are_over_all_samples_of_a_label_and_padding_has_no_share(operation, group):
    task = operation_task(TaskConfig(operation=operation, modulus=7), seed=0)
    values = random_vectors(len(task.targets), 3)
    if group == "class":
        means, labels = class_means(task, probe="fourier"), task.targets
    else:
        means, labels = first_token_means(task), task.inputs[:, 0]
    expected = torch.stack([values[labels == label].mean(dim=0) for label in range(7)])
    assert means.counts.tolist() == [(labels == label).sum().item() for label in range(7)]
    torch.testing.assert_close(means(lambda split: values[task.indices(split)].float()), expected, rtol=0, atol=1e-6)
    means.pad("train", 100)
    means.pad("train", 90)  # less padding again

    def padded(split):
        missing = 90 - len(task.train) if split == "train" else 0
        return torch.cat([values[task.indices(split)], torch.ones(missing, 3)]).float()

    torch.testing.assert_close(means(padded), expected, rtol=0, atol=1e-6)


@pytest.mark.parametrize("probe", ["fourier", "spectrum"])
def test_a_class_of_the_cycle_that_no_pair_gives_is_refused_with_the_mend(probe):
    task = operation_task(TaskConfig(operation="squares", modulus=4), seed=0)  # 3 is no sum of two squares
    message = (
        "task.operation: 1 of 4 classes are the result of no pair, and Fourier modes need them all: "
        f"choose another operation or modulus, or set probes.{probe} off"
    )
    with pytest.raises(ConfigError, match=message):
        make_probes(ProbesConfig.only(**{probe: "every:1"}), task, seed=0)
