"""What a measure gives on a GPU is what it gives on the CPU; skipped where there is no GPU."""

import numpy as np
import pytest
import torch

from grok import information
from grok.information.metrics import MatrixEntropy, MatrixMutualInformationRatio
from tests.geometries import random_geometry

pytestmark = pytest.mark.gpu

MEASURES = {
    "interplay": lambda x, w, y: information.interplay(information.gram(x), information.gram(w[y])),
    "gram_interplay": lambda x, w, y: information.gram_interplay(x, w[y]),
    "estimate_interplay, exact": lambda x, w, y: information.estimate_interplay(x, w, y).value,
    "estimate_interplay, sampled": lambda x, w, y: information.estimate_interplay(x, w, y, exact_side=0).value,
    "effective_rank": lambda x, w, y: [information.effective_rank(x), information.exp_entropy(x)],
    "bounds": lambda x, w, y: [information.regression_error(x, w[y]), information.regression_error_bound(x, w[y])],
    "fourier_interplay": lambda x, w, y: information.fourier_interplay(
        information.fourier_power(w), information.fourier_power(w.flip(0)), len(w)
    ),
    "neural_collapse": lambda x, w, y: information.neural_collapse([(x, y)], w, w[:, 0]),
    "MatrixEntropy": lambda x, w, y: [MatrixEntropy(x.shape[1]).to(x.device)(x)],
    "MatrixMutualInformationRatio": lambda x, w, y: [MatrixMutualInformationRatio().to(x.device)(x, w[y])],
}


@pytest.mark.parametrize("name", MEASURES)
def test_a_measure_is_the_same_on_a_gpu(name):
    case = random_geometry(90, num_classes=7, dim=12)
    there = MEASURES[name](*(tensor.cuda() for tensor in case))
    assert all(value.is_cuda for value in there)
    np.testing.assert_allclose([value.item() for value in there], MEASURES[name](*case), rtol=0, atol=1e-6)


@pytest.mark.parametrize("kind", ["mutual_information", "entropy_difference", "mir", "hdr"])
def test_a_loss_has_the_same_gradient_on_a_gpu(kind):
    gradients = []
    for device in ("cpu", "cuda"):
        features, head, labels = (tensor.to(device) for tensor in random_geometry(30, num_classes=7, dim=12))
        features.requires_grad_()
        information.information_loss(features, head, labels, kind=kind).backward()
        gradients.append(features.grad.cpu())
    np.testing.assert_allclose(*gradients, rtol=0, atol=1e-9)


def test_a_monitor_reads_the_same_on_a_gpu():
    values = []
    for device in ("cpu", "cuda"):
        features, head, labels = random_geometry(30, num_classes=7, dim=12)
        model = torch.nn.Linear(12, 7).double()
        model.weight.data = head.clone()
        with information.Monitor(model.to(device), head="") as monitor:
            model(features.to(device))
            monitor.record(labels)
            values.append([value.item() for value in (*monitor.summary().sample, *monitor.summary().prototype)])
    np.testing.assert_allclose(*values, rtol=0, atol=1e-6)
