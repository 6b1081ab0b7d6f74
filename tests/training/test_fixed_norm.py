"""At a fixed norm all weights together stay on the sphere of step 0, and keep their directions."""

import pytest
import torch

from grok.config import OptimiserConfig
from grok.training.fixed_norm import FixedNorm
from grok.training.step import TrainingStep
from tests.helpers import small_member


def norm(model):
    return torch.cat([parameter.detach().double().flatten() for parameter in model.parameters()]).norm().item()


@pytest.mark.parametrize("fixed", [True, False])
def test_the_norm_of_all_weights_is_that_of_step_0_after_every_update(fixed):
    member = small_member(optimiser=OptimiserConfig(learning_rate=1e-2, fixed_norm=fixed))
    expected, step = norm(member.learner.model), TrainingStep([member], block=20)
    step.prepare(0, 20)
    ratios = []
    for _ in range(20):
        step(())
        ratios.append(norm(member.learner.model) / expected)
    if fixed:
        assert ratios == pytest.approx([1.0] * 20, rel=1e-6)
    else:
        assert abs(ratios[-1] - 1) > 0.01


def test_all_parameters_are_scaled_by_one_factor():
    parameters = [torch.nn.Parameter(torch.tensor(values)) for values in ([3.0], [0.0, 4.0])]
    restore = FixedNorm(parameters)
    with torch.no_grad():
        parameters[0].copy_(torch.tensor([8.0]))
        parameters[1].copy_(torch.tensor([6.0, 0.0]))
    restore()
    assert torch.cat([parameter.detach() for parameter in parameters]).tolist() == [4.0, 3.0, 0.0]
