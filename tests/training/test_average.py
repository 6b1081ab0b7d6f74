"""The average follows the network, and it is what is measured."""

import copy

import pytest
import torch
import torch.nn.functional as F

from grok.config import ImageModelConfig, OptimiserConfig
from grok.models import make_image_model
from grok.random import stream
from grok.training.average import Average
from tests.experiments.images import build, only, semi_supervised_config, state_of, train

DECAY = 0.8


def network(seed=0):
    config = ImageModelConfig(network="conv1d", width=4)
    return make_image_model(config, shape=(1, 40), num_classes=3, generator=stream(seed, "model"))


def test_weights_are_averaged_with_the_decay_and_batch_statistics_are_those_of_the_network():
    model = network()
    mean = copy.deepcopy(model).requires_grad_(False)
    average = Average(model, mean, DECAY)
    expected = {name: weight.detach().clone() for name, weight in model.named_parameters()}
    for step in range(5):
        model.load_state_dict(network(step + 1).state_dict())
        model(torch.randn(8, 1, 40, generator=torch.Generator().manual_seed(step)))  # new statistics
        average()
        for name, weight in model.named_parameters():
            expected[name] = DECAY * expected[name] + (1 - DECAY) * weight.detach()
        assert all(map(torch.equal, mean.buffers(), model.buffers()))
    for name, weight in mean.named_parameters():
        torch.testing.assert_close(weight, expected[name], rtol=1e-5, atol=1e-7)
        assert not weight.requires_grad
    assert set(average.state()) == set(model.state_dict())
    assert average.state()["head.weight"].data_ptr() == mean.head.weight.data_ptr()


@pytest.mark.parametrize("method", ["freematch", "supervised"])
def test_row_t_is_the_average_over_the_networks_after_each_of_t_updates(tmp_path, method):
    config = semi_supervised_config(
        method=method,
        steps=9,
        average_decay=DECAY,
        optimiser=OptimiserConfig(rule="sgd", learning_rate=0.1, warmup_steps=0),
        probes=only(accuracy="every:1"),
    )
    member = build("semi-supervised", config)
    learner, update = member.learner, member.optimiser.step
    states = [state_of(member)]
    member.optimiser.step = lambda: (update(), states.append(state_of(member)))
    rows = train(tmp_path, member)
    assert sorted(rows) == list(range(10))
    assert len(states) == 10

    model = copy.deepcopy(learner.model).eval()
    parameters = {name for name, _ in model.named_parameters()}
    mean = states[0]
    for step, state in enumerate(states):
        if step:
            averaged = {name: DECAY * mean[name] + (1 - DECAY) * state[name] for name in parameters}
            mean = state | averaged
        for weights, measured in ((mean, True), (state, step == 0)):
            model.load_state_dict(weights)
            test = learner.samples("test")
            loss = F.cross_entropy(model(test.inputs), test.targets).item()
            assert (rows[step]["test/loss"] == pytest.approx(loss, rel=1e-5)) == measured


def test_the_average_changes_nothing_of_how_the_network_trains(tmp_path):
    states = []
    for decay in (0.0, 0.9):
        member = build("semi-supervised", semi_supervised_config(steps=8, average_decay=decay))
        train(tmp_path, member)
        states.append(state_of(member))
        averaged = member.learner.average.state_dict()
        follows = [torch.equal(weight, states[-1][name]) for name, weight in averaged.items()]
        assert all(follows) == (decay == 0.0)
    assert all(torch.equal(weight, states[1][name]) for name, weight in states[0].items())
