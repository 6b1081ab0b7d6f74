"""Grokfast adds a multiple of the gradients' moving average, which begins as the first gradient."""

import torch
from torch import nn

from grok.training.grokfast import Grokfast


def test_the_gradients_are_those_of_the_formula_step_by_step():
    generator = torch.Generator().manual_seed(0)
    parameters = {name: nn.Parameter(torch.zeros(shape)) for name, shape in {"a": (3, 2), "b": (4,)}.items()}
    amplify = Grokfast(parameters, amplitude=2.0, decay=0.9)
    average = {}
    for _ in range(5):
        gradients = {name: torch.randn(tensor.shape, generator=generator) for name, tensor in parameters.items()}
        for name, parameter in parameters.items():
            parameter.grad = gradients[name].clone()
        amplify()
        for name, parameter in parameters.items():
            gradient = gradients[name].double()
            average[name] = 0.9 * average.get(name, gradient) + 0.1 * gradient
            torch.testing.assert_close(parameter.grad.double(), gradient + 2 * average[name], rtol=1e-6, atol=1e-6)


def test_gradients_that_share_memory_are_filtered_each_for_itself():
    parameters = {name: nn.Parameter(torch.zeros(2)) for name in ("a", "b")}
    shared = torch.ones(2)
    for parameter in parameters.values():
        parameter.grad = shared
    Grokfast(parameters, amplitude=2.0, decay=0.9)()
    assert [parameter.grad.tolist() for parameter in parameters.values()] == [[3.0, 3.0], [3.0, 3.0]]
